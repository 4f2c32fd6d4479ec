#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No source file over 400 lines, no line over 120 columns, no function over 60 lines."""
import argparse
import ast
import pathlib
import re

import cpp_functions
import tree

FILE_LINES, COLUMNS, FUNCTION_LINES = 400, 120, 60


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield cpp_functions.Function(node.name, node.lineno, node.end_lineno - node.lineno + 1)


def shell_functions(text):
    """Functions written as `name() {` or `name() (` … with the closing sign at the same indentation."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = re.match(r"^(\s*)([\w-]+)\(\)\s*([{(])\s*(#.*)?$", line)
        if match:
            closing = match.group(1) + {"{": "}", "(": ")"}[match.group(3)]
            length = next((i for i, later in enumerate(lines[number:]) if later.rstrip().startswith(closing)), 0) + 1
            yield cpp_functions.Function(match.group(2), number + 1, length)


def cmake_functions(text):
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = re.match(r"^\s*(function|macro)\s*\(\s*(\w+)", line)
        if match:
            length = next(i for i, later in enumerate(lines[number:]) if f"end{match.group(1)}" in later) + 1
            yield cpp_functions.Function(match.group(2), number + 1, length)


FUNCTIONS = {"cpp": cpp_functions.functions, "python": python_functions, "cmake": cmake_functions,
             "bash": shell_functions, "sh": shell_functions}


def findings_in(path, kind, text):
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) > FILE_LINES:
        yield f"{path}:{len(lines)}: {len(lines)} lines; the limit is {FILE_LINES}: split the file by what it is about"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield f"{path}:{number}: {len(line)} columns; the limit is {COLUMNS}"
    for function in FUNCTIONS[kind](text):
        if function.length > FUNCTION_LINES:
            yield (f"{path}:{function.line}: {function.name} has {function.length} lines; the limit is "
                   f"{FUNCTION_LINES}: give its steps names")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    parser.add_argument("--list", action="store_true", help="print every function's length instead")
    options = parser.parse_args()
    sources = list(tree.sources(options.top.resolve()))
    if options.list:
        for path, kind, text in sources:
            for function in FUNCTIONS[kind](text):
                print(f"{function.length:5} {path}:{function.line} {function.name}")
        return
    tree.report([finding for source in sources for finding in findings_in(*source)], len(sources))


if __name__ == "__main__":
    main()
