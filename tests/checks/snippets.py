#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of the documents.

A fenced block below one of these lines is an example that must work:
  <!-- test: NAME -->               a shell script; blocks of one NAME run one after the other in one folder
  <!-- test: NAME file: PATH -->    a file that they find in that folder; further blocks of it are added at its end
  <!-- test: NAME needs: guest -->  a shell script that starts machines; runs with --needs guest only
The folder is a new one, with `build`, `scripts` and `examples` leading to the project's; build/bin is on the PATH.
"""
import argparse
import collections
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import tree

Block = collections.namedtuple("Block", "place name file needs text")
MARK = re.compile(r"^<!-- test: (?P<name>[\w-]+)(?: file: (?P<file>[\w./-]+))?(?: needs: (?P<needs>\w+))? -->$")
SKIPPED = 77
DEADLINE_SECONDS = 180


def blocks_of(path, text):
    """The marked blocks of a document; ValueError for a mark that nothing follows."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.startswith("<!-- test:"):
            continue
        mark = MARK.match(line)
        fence = re.match(r"^(`{3,})\w+$", lines[number]) if mark and number < len(lines) else None
        if not fence or fence.group(1) not in lines[number + 1:]:
            raise ValueError(f"{path}:{number}: this mark is misspelt, or no fenced block with a language follows it")
        end = lines.index(fence.group(1), number + 1)
        yield Block(f"{path}:{number}", mark["name"], mark["file"], mark["needs"] or "",
                    "\n".join(lines[number + 1:end]) + "\n")


def end_all_of(child):
    """Ends what a script that failed has left running."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_script(block, folder, environment):
    """The finding of one shell block, or None."""
    child = subprocess.Popen(["bash", "-euo", "pipefail", "-c", block.text], cwd=folder, env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, start_new_session=True)
    try:
        output, _ = child.communicate(timeout=DEADLINE_SECONDS)
        if child.returncode:
            end_all_of(child)
        return f"{block.place}: {block.name} ended with {child.returncode}\n{output}" if child.returncode else None
    except subprocess.TimeoutExpired:
        end_all_of(child)
        return f"{block.place}: {block.name} was not done after {DEADLINE_SECONDS} s\n{child.communicate()[0]}"


def run_group(blocks, build):
    """Runs the blocks of one name in a folder of their own; yields findings."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for link, target in (("build", build), ("scripts", tree.TOP / "scripts"), ("examples", tree.TOP / "examples")):
            (folder / link).symlink_to(target)
        run_dir = folder / ".run"
        run_dir.mkdir(mode=0o700)
        environment = dict(os.environ, PATH=f"{build}/bin:{os.environ['PATH']}", VISOR_RUN_DIR=str(run_dir))
        for block in blocks:
            if block.file:
                (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
                with (folder / block.file).open("a", encoding="utf-8") as file:
                    file.write(block.text)
            elif finding := run_script(block, folder, environment):
                yield finding


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    parser.add_argument("--build", type=pathlib.Path, default=tree.TOP / "build")
    parser.add_argument("--needs", default="", help="run the examples with this need instead of those with none")
    options = parser.parse_args()
    groups = collections.defaultdict(list)
    try:
        for path in tree.files(options.top):
            if path.suffix == ".md":
                for block in blocks_of(path, tree.text_of(path, options.top) or ""):
                    groups[block.name].append(block)
    except ValueError as error:
        print(error)
        return 1
    chosen = [blocks for blocks in groups.values()
              if {block.needs for block in blocks if not block.file} == {options.needs}]
    if not chosen:
        print(f"no document has an example that needs {options.needs or 'nothing'}")
        return SKIPPED
    findings = [finding for blocks in chosen for finding in run_group(blocks, options.build.resolve())]
    tree.report(findings, len(chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
