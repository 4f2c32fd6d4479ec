# SPDX-License-Identifier: Apache-2.0
"""The files of the project, and what the checks share: findings with file and line, and the way to report them."""
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
CPP = {".cpp", ".hpp", ".cc", ".h", ".c"}


def files(top=TOP):
    """Paths relative to top of all files of the project: those Git knows or would take, else all but builds."""
    listing = subprocess.run(["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, check=False, timeout=60)
    if listing.returncode == 0 and listing.stdout:
        names = sorted(set(listing.stdout.decode().split("\0")) - {""})
        return [pathlib.PurePosixPath(name) for name in names if (top / name).is_file()]
    found = []
    for folder, subfolders, names in os.walk(top):
        subfolders[:] = sorted(name for name in subfolders if name != ".git" and not name.startswith("build"))
        here = pathlib.Path(folder).relative_to(top)
        found += [pathlib.PurePosixPath(here / name) for name in sorted(names)]
    return found


def text_of(path, top=TOP):
    """A file's text, or None when it is not UTF-8 text."""
    data = (top / path).read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def kind_of(path, text):
    """What language a file is in, by its name or its first line: cpp, cmake, python, bash, sh, or None."""
    if path.suffix in CPP:
        return "cpp"
    if path.suffix == ".cmake" or path.name == "CMakeLists.txt":
        return "cmake"
    first = text.split("\n", 1)[0]
    if path.suffix == ".py" or first.startswith("#!") and "python" in first:
        return "python"
    if first.startswith("#!"):
        return "bash" if "bash" in first else "sh" if first.rstrip().endswith("sh") else None
    if path.suffix == ".sh":  # to be sourced: a directive says by which shell
        return "bash" if "shellcheck shell=bash" in text else "sh"
    return None


def sources(top=TOP):
    """(path, language, text) of every source file, scripts included."""
    for path in files(top):
        text = text_of(path, top)
        if text is not None and (kind := kind_of(path, text)):
            yield path, kind, text


def report(findings, looked_at):
    """Prints the findings and ends the program: 0 when there is none and something was looked at."""
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings, {looked_at} looked at")
    sys.exit(1 if findings or not looked_at else 0)
