#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/SEEDS.md against the tree: every name has a row, and what a row points to exists.

A row is `| names | here | test |` below the `## ` heading of its group.
  names  in backticks; a type's field is `Type.Field`, and `.Field` repeats the type before it
  here   `planned`, or at least one `path` or `path#symbol` in backticks; every word of the symbol is in that file
  test   `planned`, or at least one `Suite.Test` (GoogleTest), `name.of.a.test` (ctest) or `path` in backticks
Both columns may hold plain words too. A test of the round trip of configurations is not enough: every field passes it.
"""
import argparse
import collections
import pathlib
import re

import tree

DOCUMENT = pathlib.PurePosixPath("docs/SEEDS.md")
NAMES = pathlib.PurePosixPath("tests/checks/seed-names.txt")
Row = collections.namedtuple("Row", "line group names here test")
ROUND_TRIP = "ConfigRandom."
GTEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")


def wanted_names(text):
    """(group, name) of every name, in order."""
    group, names = None, []
    for line in text.splitlines():
        if line.startswith("# ") and not names and not re.match(r"# \d{3} ", line):
            continue
        if line.startswith("# "):
            group = line[2:].strip()
        elif line.strip():
            kind, _, fields = line.partition(":")
            names.append((group, kind.strip()))
            names += [(group, f"{kind.strip()}.{field}") for field in fields.split()]
    return names


def expand(cell):
    """The names of a cell, `.Field` completed by the type that stands before it."""
    names, owner = [], ""
    for name in re.findall(r"`([^`]+)`", cell):
        if name.startswith("."):
            name = owner + name
        else:
            owner = name.split(".")[0]
        names.append(name)
    return names


def rows_of(text):
    group = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            group = line[3:].strip()
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and "`" in cells[0]:
            yield Row(number, group, expand(cells[0]), cells[1], cells[2])


def check_here(cell, top):
    """What is wrong with a cell that says where something lives, or None."""
    if cell == "planned":
        return None
    places = re.findall(r"`([^`]+)`", cell)
    if not places:
        return "says neither `planned` nor a place in backticks"
    for place in places:
        path, _, symbol = place.partition("#")
        if not (top / path).is_file():
            return f"points to {path}, which does not exist"
        text = (top / path).read_text(encoding="utf-8")
        for word in re.findall(r"\w+", symbol):
            if not re.search(rf"\b{re.escape(word)}\b", text):
                return f"points to {place}, but {path} has no {word}"
    return None


def known_tests(top):
    """The names of all tests in the tree: GoogleTest's Suite.Test and what CMake files hand to add_test."""
    names = set()
    for path, kind, text in tree.sources(top):
        if kind == "cpp" and path.parts[0] in ("tests", "examples"):
            names |= {f"{suite}.{name}" for suite, name in GTEST.findall(text)}
        elif kind == "cmake":
            names |= set(re.findall(r"\bNAME\s+([\w.-]+)", text))
    return names


def check_test(cell, tests, top):
    if cell == "planned":
        return None
    names = re.findall(r"`([^`]+)`", cell)
    if not names:
        return "names neither `planned` nor a test in backticks"
    if all(name.startswith(ROUND_TRIP) for name in names):
        return f"names only {names[0]}, a round trip, which shows nothing of what the field does"
    for name in names:
        if name not in tests and not ("/" in name and (top / name).is_file()):
            return f"names the test {name}, which does not exist"
    return None


def check(top, forbid_planned):
    findings, seen = [], collections.Counter()
    wanted = wanted_names((top / NAMES).read_text(encoding="utf-8"))
    tests = known_tests(top)
    for row in rows_of((top / DOCUMENT).read_text(encoding="utf-8")):
        where = f"{DOCUMENT}:{row.line}:"
        seen.update((row.group, name) for name in row.names)
        findings += [f"{where} {name} is no name of the group '{row.group}'"
                     for name in row.names if (row.group, name) not in wanted]
        findings += [f"{where} {row.names[0]}: the row {what}"
                     for what in (check_here(row.here, top), check_test(row.test, tests, top)) if what]
        if forbid_planned and "planned" in (row.here, row.test):
            findings.append(f"{where} {row.names[0]} is still planned")
    findings += [f"{DOCUMENT}:1: no row for {name} in the group '{group}'" for group, name in wanted
                 if not seen[(group, name)]]
    findings += [f"{DOCUMENT}:1: {name} has {count} rows in the group '{group}'"
                 for (group, name), count in seen.items() if count > 1]
    return findings, len(seen)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    parser.add_argument("--forbid-planned", action="store_true", help="a row that is only planned is a finding")
    options = parser.parse_args()
    tree.report(*check(options.top.resolve(), options.forbid_planned))
