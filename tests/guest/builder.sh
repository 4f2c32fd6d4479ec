#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guest builder's bad days: each ends in one clear line, the right status and nothing left behind.
# Needs no network, no QEMU and no real package.
set -o nounset -o pipefail

guest=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../scripts/guest" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
failures=0

# expect STATUS PATTERN COMMAND...: the last line on stderr must match.
expect() {
    local status=$1 pattern=$2 got last
    shift 2
    timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    last=$(tail -1 "$work/err")
    # shellcheck disable=SC2053 # a pattern
    if [ $got = "$status" ] && [[ $last == $pattern ]]; then return; fi
    echo "FAILED: $*: status $got (wanted $status), said '$last' (wanted '$pattern')"
    failures=$((failures + 1))
}

expect_nothing_left() {
    local left
    left=$(find "$XDG_CACHE_HOME" -name '.build-*' -o -name kernel 2>/dev/null)
    [ -z "$left" ] && return
    echo "FAILED: left behind: $left"
    failures=$((failures + 1))
}

# fake_packages ARCH FILE...: a package folder as after a download.
fake_packages() {
    local dir=$XDG_CACHE_HOME/visorkit/guest/packages/$1
    shift
    mkdir -p "$dir"
    echo 'linux-image-6.1.0-1-s390x 6.1-1 0000 kernel.deb' >"$dir/resolved"
    [ $# = 0 ] || echo 'not a package' >"$dir/$1"
}

test_usage() {
    expect 2 "*unknown architecture 'vax'*amd64*s390x*" "$guest/build" --arch vax
    expect 2 "*--arch needs a value*" "$guest/build" --arch
    expect 2 "*unknown argument '--wrong'*" "$guest/build" --wrong
    expect 2 "*unknown architecture 'vax'*" "$guest/boot-bare" vax
    mkdir -p "$work/out dir/s390x"
    expect 1 "*out dir/s390x exists*" "$guest/build" --arch s390x --out "$work/out dir"
}

test_missing_tool() {
    local tool
    mkdir "$work/bin"
    for tool in bash dirname find sort sed cat tr xargs sha256sum; do ln -s "$(command -v $tool)" "$work/bin/"; done
    # The builder adds the sbin folders, so the missing one must be one of /usr/bin.
    expect 3 "*cpio not found; install Debian's package cpio*" env PATH="$work/bin" "$guest/build" --arch s390x
}

test_no_packages() {
    printf '%s\n' 'Dir::Etc::sourcelist "/dev/null";' 'Dir::Etc::sourceparts "/dev/null";' >"$work/apt.conf"
    expect 3 "*no package linux-image-s390x for s390x*check the network*" \
        env APT_CONFIG="$work/apt.conf" "$guest/build" --arch s390x
    expect_nothing_left
    expect 1 "*cannot create*set XDG_CACHE_HOME*" env XDG_CACHE_HOME=/dev/null/x "$guest/build" --arch s390x
}

test_broken_package() {
    fake_packages s390x kernel.deb
    expect 1 "*cannot unpack*kernel.deb; remove*" "$guest/build" --arch s390x
    expect_nothing_left
    rm "$XDG_CACHE_HOME/visorkit/guest/packages/s390x/kernel.deb"
    expect 1 "*cannot unpack*; remove*" "$guest/build" --arch s390x
    expect_nothing_left
}

# What is cached is found without apt, tools or network.
test_cached() {
    local dir
    fake_packages s390x
    dir=$(. "$guest/lib.sh" && use_arch s390x && echo "$GUEST_CACHE/$(version_key)/s390x")
    [[ $dir == */6.1.0-1-????????????/s390x ]] || { echo "FAILED: key $dir"; failures=$((failures + 1)); }
    mkdir -p "$dir"
    expect 0 "" env PATH="$work/bin" "$guest/build" --print-dir s390x
    [ "$(cat "$work/out")" = "$dir" ] || { echo "FAILED: printed $(cat "$work/out")"; failures=$((failures + 1)); }
}

test_usage
test_missing_tool
test_no_packages
test_broken_package
test_cached
[ $failures = 0 ] && echo "builder: all checks passed"
exit $((failures > 0))
