#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up ctest's result files: a table by label, the skipped tests with their reasons, the failed ones with output.

The last line is "N passed, N failed, N skipped"; the exit status is 0 only when something passed and nothing failed.
"""
import argparse
import collections
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

OUTPUT_LINES, OUTPUT_COLUMNS = 40, 500
# A test without one of these is in no run of the sanitizers, or runs beside machines that want the host for themselves.
LABELS = {"unit", "faults", "plugin", "conformance", "cli", "packaging", "check", "fuzz", "qemu", "uml", "guest"}
# What ctest calls skipped. It says the same of a test whose executable or fixture is missing, which is a failure.
HONEST_SKIP = re.compile(r"^(SKIP_RETURN_CODE=|SKIP_REGULAR_EXPRESSION_MATCHED|Disabled)")
FAILURE = re.compile(r": Failure$|^FAIL: |^Traceback|^\S+: error: |Sanitizer: ")
GTEST_SKIP = re.compile(r": Skipped\n(?P<reason>.*?)\n(?:\n|\[  SKIPPED \])", re.DOTALL)

Result = collections.namedtuple("Result", "name outcome seconds note")


def labels_of(build_dir):
    """The labels of every test of a build folder, by the test's name."""
    if not build_dir:
        return {}
    command = ["ctest", "--test-dir", build_dir, "--show-only=json-v1"]
    listing = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    found = {}
    for test in json.loads(listing)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        found[test["name"]] = properties.get("LABELS", [])
    return found


def skip_reason(output):
    """Why a test skipped: what followed gtest's "Skipped", else the last line that the test printed."""
    match = GTEST_SKIP.search(output)
    if match:
        return " ".join(match.group("reason").split())
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def read(path):
    """The results in one JUnit file. Bytes that XML does not allow come from the tests' output and are dropped."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", file.read())
    for case in ElementTree.fromstring(text).iter("testcase"):
        output = case.findtext("system-out") or ""
        skipped = case.find("skipped")
        seconds = float(case.get("time") or 0)
        if case.get("status") == "run":
            yield Result(case.get("name"), "passed", seconds, "")
        elif case.get("status") == "disabled":
            yield Result(case.get("name"), "skipped", seconds, "disabled")
        elif skipped is not None and HONEST_SKIP.match(skipped.get("message", "")):
            yield Result(case.get("name"), "skipped", seconds, skip_reason(output))
        else:
            why = skipped.get("message", "") if skipped is not None else ""
            yield Result(case.get("name"), "failed", seconds, f"{why}\n{output}".strip())


def unlabelled(results, labels):
    """One failed result when tests ran that have no label of the rules."""
    names = [result.name for result in results if not LABELS & set(labels.get(result.name, []))]
    if names:
        shown = "\n".join(names[:10] + [f"... {len(names)} in all"])
        yield Result("labels", "failed", 0.0, f"These tests have no label (CONTRIBUTING.md, C21):\n{shown}")


def print_table(results, labels):
    rows = collections.defaultdict(lambda: [0, 0, 0, 0.0])
    columns = {"passed": 0, "failed": 1, "skipped": 2}
    for result in results:
        for label in labels.get(result.name) or ["(no label)"]:
            rows[label][columns[result.outcome]] += 1
            rows[label][3] += result.seconds
    print(f"\n  {'label':<16}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for label, (passed, failed, skipped, seconds) in sorted(rows.items()):
        print(f"  {label:<16}{passed:>8}{failed:>8}{skipped:>9}{seconds:>9.1f}")


def what_matters(output):
    """A failed test's output; of a long one the places of the failures and the end."""
    lines = [line[:OUTPUT_COLUMNS] for line in output.splitlines()]
    if len(lines) <= OUTPUT_LINES:
        return lines
    shown = set(range(len(lines) - OUTPUT_LINES // 4, len(lines)))
    for number, line in enumerate(lines):
        if len(shown) < OUTPUT_LINES and FAILURE.search(line):
            shown.update(range(number, min(number + 6, len(lines))))
    if len(shown) == OUTPUT_LINES // 4:
        shown = range(len(lines) - OUTPUT_LINES, len(lines))
    return [lines[number] for number in sorted(shown)]


def print_notes(results):
    by_reason = collections.defaultdict(list)
    for result in results:
        if result.outcome == "skipped":
            by_reason[result.note].append(result.name)
    if by_reason:
        print("\nSkipped:")
    for reason, names in sorted(by_reason.items()):
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        print(f"  {len(names)}: {reason}\n     {shown}")
    for result in results:
        if result.outcome == "failed":
            print(f"\nFailed: {result.name.split('  # GetParam')[0]}")
            print("\n".join("    " + line for line in what_matters(result.note)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", metavar="BUILD_DIR", help="the build folder that knows the tests' labels")
    parser.add_argument("--time", metavar="SECONDS", help="how long the whole run took, to be printed")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    results = [result for path in options.files for result in read(path)]
    labels = labels_of(options.labels)
    if options.labels:
        results += unlabelled(results, labels)
    print_table(results, labels)
    print_notes(results)
    count = collections.Counter(result.outcome for result in results)
    if not results:
        print("\nNo test matched.")
    if options.time:
        print(f"\nTotal time: {options.time} s")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 0 if count["passed"] and not count["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
