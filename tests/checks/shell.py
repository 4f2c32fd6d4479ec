#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every shell script parses with its own shell, and shellcheck has nothing to say where it is installed."""
import argparse
import pathlib
import shutil
import subprocess

import tree

GUEST = "scripts/guest/root/"
# Busybox knows local, ${x:1:2}, ${x//a/b} and read -t; what its scripts source is elsewhere on the host.
BUSYBOX = "SC3043,SC3045,SC3057,SC3060,SC1091,SC2154"


def run(command, top):
    return subprocess.run(command, cwd=top, capture_output=True, text=True, check=False, timeout=120)


def shellcheck(scripts, top):
    """What shellcheck warns of. The guest's scripts run under busybox, whose shell knows more than sh must."""
    guest = [path for path, _ in scripts if path.startswith(GUEST)]
    sourced = [path for path, _ in scripts if path.endswith(".sh") and path not in guest]
    host = [path for path, _ in scripts if path not in guest + sourced]
    # QEMU's options have commas in them (SC2054). What a sourced file sets is used by others (SC2034).
    for paths, excluded, options in ((host, "SC2054", []), (sourced, "SC2054,SC2034", []),
                                     (guest, f"SC2034,{BUSYBOX}", ["--shell=dash"])):
        if paths:
            command = ["shellcheck", "--format=gcc", "--severity=warning", f"--exclude={excluded}"] + options + paths
            yield from run(command, top).stdout.splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    top = parser.parse_args().top.resolve()
    scripts = [(str(path), kind) for path, kind, _ in tree.sources(top) if kind in ("bash", "sh")]
    findings = []
    for path, kind in scripts:
        outcome = run([kind, "-n", path], top)
        if outcome.returncode:
            findings.append(outcome.stderr.strip())
    if shutil.which("shellcheck"):
        findings += shellcheck(scripts, top)
    else:
        print("shellcheck is not installed: only the syntax was checked")
    tree.report(findings, len(scripts))


if __name__ == "__main__":
    main()
