#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the includes of every C++ file and holds them against layers.py."""
import argparse
import collections
import fnmatch
import pathlib
import posixpath
import re

import layers
import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
POSIX = re.compile(
    r"^(sys|net|netinet|arpa)/|^(unistd|fcntl|poll|pthread|sched|spawn|pwd|grp|dirent|dlfcn|elf|link|signal|termios|"
    r"ucontext|mntent|ifaddrs|netdb|ftw|glob|getopt|libgen|syslog|semaphore|strings|fnmatch|time)\.h$")
LIBRARIES = ("boost/", "nlohmann/", "yaml-cpp/", "spdlog/", "fmt/", "nettle/", "gtest/", "gmock/", "benchmark/",
             "fuzzer/")

Include = collections.namedtuple("Include", "line name target")


def external(name):
    """The word of layers.py for a header that is not ours."""
    if name.startswith("boost/"):
        return name
    if name.startswith(LIBRARIES):
        return name.split("/")[0]
    if name.startswith(("linux/", "asm/")):
        return "linux/" + name
    if POSIX.match(name):
        return "posix/" + name
    return "std" if re.fullmatch(r"[a-z_0-9]+(\.h)?", name) else "unknown/" + name


def target_of(path, quote, name, top):
    """What an include means, in the words of layers.py; None when a quoted include leads nowhere."""
    if name.startswith("visor/"):
        return name
    if quote == "<":
        return external(name)
    for folder in [str(path.parent)] + layers.ROOTS:
        candidate = posixpath.normpath(posixpath.join(folder, name))
        if (top / candidate).is_file():
            return candidate
    return None


def without_comments(text):
    """The text with its comments blanked out, line by line as before."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)


def includes_of(path, text, top):
    # A path may hold "//" only inside of a comment; an include line has none.
    for match in INCLUDE.finditer(without_comments(text)):
        line = text.count("\n", 0, match.start()) + 1
        yield Include(line, match.group(2), target_of(path, match.group(1), match.group(2), top))


def file_of(target, top):
    """The file of the tree that an include leads to, or None: a library's header or a generated one."""
    for folder in ("", "core/include/", "sdk/include/"):
        if target and (top / folder / target).is_file():
            return pathlib.PurePosixPath(folder + target)
    return None


def allowed(include, rule):
    return include.target is not None and any(include.target.startswith(prefix) for prefix in rule.allow)


def chains_of(path, text, rule, top, seen):
    """(line, how, include) of what a file includes and, for a deep rule, of what that leads to."""
    for include in includes_of(path, text, top):
        yield include.line, include.name, include
        header = rule.deep and allowed(include, rule) and file_of(include.target, top)
        if header and header not in seen:
            seen.add(header)
            for _, how, inner in chains_of(header, tree.text_of(header, top) or "", rule, top, seen):
                yield include.line, f"{include.name} -> {how}", inner


def rule_for(path):
    return next((rule for rule in layers.RULES if fnmatch.fnmatchcase(str(path), rule.files)), None)


def check(top):
    """(findings, number of files)."""
    findings, looked_at = [], 0
    heavy = collections.defaultdict(dict)
    for path, kind, text in tree.sources(top):
        if kind != "cpp":
            continue
        looked_at += 1
        rule = rule_for(path)
        if not rule:
            findings.append(f"{path}:1: no rule of tests/checks/layers.py says what this file may include")
            continue
        for line, how, include in chains_of(path, text, rule, top, set()):
            if "" in rule.allow:
                continue
            if include.target is None:
                findings.append(f'{path}:{line}: "{how}" is not in the tree')
            elif not allowed(include, rule):
                findings.append(f"{path}:{line}: {rule.files} must not include {how}")
            for library, folder in layers.ONLY_ONE_FILE:
                if str(path).startswith(folder) and include.target and include.target.startswith(library):
                    heavy[library, folder].setdefault(str(path), line)
    return findings + list(crowded(heavy)), looked_at


def crowded(heavy):
    """Findings for libraries that several files of a folder include; heavy[library, folder][path] is the line."""
    for (library, _), lines in heavy.items():
        path, line = sorted(lines.items())[-1]
        if len(lines) > 1:
            yield f"{path}:{line}: one file alone may include {library}, not {' and '.join(sorted(lines))}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=pathlib.Path, default=tree.TOP)
    tree.report(*check(parser.parse_args().top.resolve()))
