#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a text of the project must have, and must not: the licence tag, no path of one machine, no registry's host, no
unfinished work, no condition on the host's architecture (four guest architectures share one process)."""
import argparse
import pathlib
import re

import tree

TAG = "SPDX-License-Identifier: Apache-2.0"
# Data that other programs read as it is, and texts for people, carry no tag of their own: LICENSE covers them.
UNTAGGED = {".md", ".json", ".yaml", ".yml", ".txt", ".args", ".argv", ".refused", ".golden", ".jsonl", ".bin", ".in",
            ".version"}
UNTAGGED_NAMES = {"LICENSE", ".gitignore", ".gitattributes", ".shellcheckrc", ".clang-format", ".clang-tidy",
                  ".editorconfig"}

# Each pattern is written so that it does not match itself.
FORBIDDEN = [
    (re.compile(r"/(?:work|farm)/|/tmp/te[a]m|/\.library"), "a path of one machine"),
    (re.compile(r"/home/(?!\$|<|user\b|USER\b)[a-z]"), "a path of one machine"),
    (re.compile(r"\b(?:deb|security|snapshot|ftp|packages)\.debian\.org|registry\.npmjs|\bpypi\.org|pythonhosted\.org"
                r"|\bcrates\.io|proxy\.golang\.org|\bghcr\.io|\bquay\.io|\bdocker\.io"), "a registry's host"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b"), "unfinished work: finish it, or refuse it with a typed error"),
    (re.compile(r"\bdesign (?:§|section )\d|\bfacts/\w+\.md|\bissue #?\d"), "a reference that no reader can follow"),
]
ARCHITECTURE = re.compile(
    r"^[ \t]*#[ \t]*(?:el)?if(?:n?def)?\b(?:\\\n|[^\n])*?\b(__(?:x86_64|amd64|i386|aarch64|arm"
    r"|powerpc|powerpc64|ppc64?|PPC64|s390x?|riscv|mips|LP64)(?:__)?|_M_(?:X64|AMD64|IX86|ARM64))\b", re.MULTILINE)


def needs_tag(path):
    return path.suffix not in UNTAGGED and path.name not in UNTAGGED_NAMES


def has_tag(text):
    """In the first line, or in the second of a script."""
    first_lines = text.split("\n", 2)[:2]
    return TAG in first_lines[0] or first_lines[0].startswith("#!") and TAG in "".join(first_lines[1:])


def findings_in(path, text):
    if text and needs_tag(path) and not has_tag(text):
        yield f"{path}:1: the first line (after a script's #!) must hold {TAG}"
    for pattern, what in FORBIDDEN:
        for match in pattern.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()!r} is {what}"
    if path.suffix in tree.CPP:
        for match in ARCHITECTURE.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            yield f"{path}:{line}: {match.group(1)}: ask the guest's QemuArch, or the host at run time"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    top = parser.parse_args().top.resolve()
    texts = [(path, text) for path in tree.files(top) if (text := tree.text_of(path, top)) is not None]
    tree.report([finding for path, text in texts for finding in findings_in(path, text)], len(texts))


if __name__ == "__main__":
    main()
