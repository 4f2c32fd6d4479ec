#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No code but the builder joins option text of QEMU: a comma or a key in a value would begin another option.

Found are literals that are a piece of such text (",", "=", "size=", ",path=") and stand beside a sign that joins (+, +=
or <<), or in a call that appends or formats. Text of the kernel's command line is another thing: core/params.hpp."""
import argparse
import pathlib
import re

import cpp_functions
import tree

FOLDERS = ("sdk/src/device/", "sdk/src/hotplug/", "sdk/src/qemu/", "sdk/include/", "core/src/runtime/",
           "plugins/qemu-", "cli/")
EXEMPT = ("sdk/src/device/property_bag.cpp", "sdk/src/device/command_line.cpp",  # the builder
          "sdk/src/qemu/plan/fuse_option.hpp",  # the builder of virtiofsd's, which is escaped otherwise
          "cli/args.cpp")  # names its own options so
KEY = r"[A-Za-z][\w.-]*="
PIECES = [re.compile(piece) for piece in (
    rf"^,?{KEY}$",                  # "size=" + value
    rf",{KEY}",                     # text + ",path=x"
    r"^[,=]$",                      # key + '=' + value + ','
    rf"(^|,){KEY}(%[sdulz]|\{{)")]  # "size=%s", "size={}"
CALLS = ("append", "format", "format_to", "insert", "push_back", "replace", "snprintf", "sprintf")
JOINING = ("+", "+=", "<")  # << is two tokens


def tokens_of(text):
    """(kind, text, line) of all that is neither comment nor directive."""
    for match in cpp_functions.TOKEN.finditer(text):
        kind = "raw" if match.lastgroup == "delimiter" else match.lastgroup
        if kind not in ("comment", "directive"):
            yield kind, match.group(), text.count("\n", 0, match.start()) + 1


def content_of(kind, text):
    """What a literal says; None for what is none."""
    if kind == "raw":
        return re.match(r'\w*"([^(]*)\((.*)\)\1"$', text, re.DOTALL).group(2)
    quote = {"string": '"', "char": "'"}.get(kind)
    return quote and text[text.index(quote) + 1:-1]


def called(tokens, index):
    """The function that a token is an argument of, or ""."""
    level = 0
    for position in range(index - 1, 0, -1):
        text = tokens[position][1]
        level += (text in (")", "]", "}")) - (text in ("(", "[", "{"))
        if level < 0:
            return tokens[position - 1][1] if text == "(" else ""
        if text == ";":
            return ""
    return ""


def is_joined(tokens, index):
    """Whether a sign that joins stands beside a literal, or beside the parentheses that end with it."""
    after = index + 1
    while after + 1 < len(tokens) and tokens[after][1] in (")", "}"):
        after += 1
    return any(0 <= place < len(tokens) and tokens[place][1] in JOINING for place in (index - 1, after))


def findings_in(path, text):
    tokens = list(tokens_of(text))
    for index, (kind, token, line) in enumerate(tokens):
        content = content_of(kind, token)
        if content is None or not any(piece.search(content) for piece in PIECES):
            continue
        if is_joined(tokens, index) or called(tokens, index) in CALLS:
            yield f"{path}:{line}: {token} joins option text by hand: give a PropertyBag the key and the value"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    options = parser.parse_args()
    sources = [(path, text) for path, kind, text in tree.sources(options.top.resolve())
               if kind == "cpp" and str(path).startswith(FOLDERS) and str(path) not in EXEMPT]
    tree.report([finding for source in sources for finding in findings_in(*source)], len(sources))


if __name__ == "__main__":
    main()
