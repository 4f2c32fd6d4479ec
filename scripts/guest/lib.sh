# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the guest's host-side scripts share: messages, architectures, folders, cache keys.

GUEST_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${XDG_CACHE_HOME:-} in # a relative one is to be ignored, says the XDG specification
/*) GUEST_CACHE=$XDG_CACHE_HOME/visorkit/guest ;;
*) GUEST_CACHE=${HOME:?set HOME or XDG_CACHE_HOME}/.cache/visorkit/guest ;;
esac
GUEST_ARCHS=(amd64 arm64 ppc64le s390x)
EXIT_USAGE=2
EXIT_MISSING=3 # something outside the project is missing: a tool, a package, the network

# fail STATUS MESSAGE: one clear line, then the end.
fail() {
    local status=$1
    shift
    printf '%s: %s\n' "${0##*/guest/}" "$*" >&2
    exit "$status"
}

say() { printf 'guest: %s\n' "$*" >&2; }

# need_tool PROGRAM PACKAGE: /sbin is not on every user's PATH.
need_tool() {
    command -v "$1" >/dev/null && return
    fail $EXIT_MISSING "$1 not found; install Debian's package $2 (see scripts/guest/packages.txt)"
}

canonical_arch() {
    case $1 in
    amd64 | x86_64) echo amd64 ;;
    arm64 | aarch64) echo arm64 ;;
    ppc64le | ppc64el) echo ppc64le ;;
    s390x) echo s390x ;;
    *) fail $EXIT_USAGE "unknown architecture '$1'; one of: ${GUEST_ARCHS[*]}" ;;
    esac
}

# use_arch ARCH: sets the facts of one guest architecture.
use_arch() {
    ARCH=$1
    EXTRA_PACKAGES=()
    case $ARCH in
    amd64) DEB_ARCH=amd64 FLAVOUR=amd64 QEMU=qemu-system-x86_64 QEMU_PACKAGE=qemu-system-x86
        MACHINE=q35 CPU=max CONSOLE=ttyS0 ;;
    arm64) DEB_ARCH=arm64 FLAVOUR=arm64 QEMU=qemu-system-aarch64 QEMU_PACKAGE=qemu-system-arm
        MACHINE=virt CPU=cortex-a57 CONSOLE=ttyAMA0 ;;
    ppc64le) DEB_ARCH=ppc64el FLAVOUR=powerpc64le QEMU=qemu-system-ppc64 QEMU_PACKAGE=qemu-system-ppc
        MACHINE=pseries CPU=power9 CONSOLE=hvc0
        # drmgr completes PCI hot-plug in the guest; the libraries are what it is linked with.
        EXTRA_PACKAGES=(powerpc-ibm-utils librtas2 libnuma1 libc6) ;;
    s390x) DEB_ARCH=s390x FLAVOUR=s390x QEMU=qemu-system-s390x QEMU_PACKAGE=qemu-system-misc
        MACHINE=s390-ccw-virtio CPU=qemu CONSOLE=ttysclp0 ;;
    esac
    PACKAGES_DIR=$GUEST_CACHE/packages/$ARCH
}

# The files that decide what comes out, in a fixed order.
recipe_files() {
    find "$GUEST_HERE/root" -type f | LC_ALL=C sort
    printf '%s\n' "$GUEST_HERE"/{assemble.sh,lib.sh,modules}
}

# version_key: kernel version and a digest of recipe and packages; fails while packages are unknown.
version_key() {
    local digest kernel
    [ -f "$PACKAGES_DIR/resolved" ] || return 1
    kernel=$(sed -n "s/^linux-image-\([0-9][^ ]*\)-$FLAVOUR .*/\1/p" "$PACKAGES_DIR/resolved")
    digest=$(recipe_files | (cat; echo "$PACKAGES_DIR/resolved") | tr '\n' '\0' | xargs -0 cat | sha256sum)
    echo "$kernel-${digest:0:12}"
}

# lock_arch: one builder an architecture at a time; the lock lives as long as this process.
lock_arch() {
    mkdir -p "$GUEST_CACHE" 2>/dev/null ||
        fail 1 "cannot create $GUEST_CACHE; set XDG_CACHE_HOME to a folder that can be written"
    exec {LOCK_FD}>>"$GUEST_CACHE/.lock-$ARCH" || fail 1 "cannot write $GUEST_CACHE/.lock-$ARCH"
    flock -n "$LOCK_FD" && return
    say "$ARCH: another build is under way, waiting for it"
    flock -w 900 "$LOCK_FD" ||
        fail 1 "$ARCH: another build holds $GUEST_CACHE/.lock-$ARCH for 15 minutes; end it and try again"
}
