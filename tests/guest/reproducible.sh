#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# reproducible.sh [ARCH]: builds the guest twice from the same packages, in surroundings that differ where a
# build could pick something up (time, folder, file system, umask, locale, time zone), and compares every byte.
# Exit status: 0 equal, 1 different or not built, 77 skipped.
set -o nounset -o pipefail

arch=${1:-amd64}
build=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../scripts/guest" && pwd)/build

fail() {
    echo "reproducible: $*" >&2
    exit 1
}

"$build" --fetch --arch "$arch"
case $? in
0) ;;
3) echo "reproducible: skipped: the packages or tools for $arch are missing (see above)"; exit 77 ;;
*) fail "cannot fetch the packages for $arch" ;;
esac

work=$(mktemp -d) || fail "cannot create a temporary folder"
# A tmpfs lists a folder's files in another order than a disk does.
other=$work
if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 2000000 ] 2>/dev/null; then
    other=$(mktemp -d -p /dev/shm) || other=$work
fi
trap 'rm -rf "$work" "$other"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

"$build" --arch "$arch" --out "$work/one" || fail "the first build failed"
(
    umask 077
    export LC_ALL=C.UTF-8 TZ=Pacific/Chatham TMPDIR="$other" SOURCE_DATE_EPOCH=1
    cd / && "$build" --arch "$arch" --out "$other/another folder"
) || fail "the second build failed"

status=0 count=0
for file in "$work/one/$arch"/*; do
    count=$((count + 1))
    cmp "$file" "$other/another folder/$arch/${file##*/}" || status=1
done
[ $count -ge 7 ] || fail "only $count files were built"
[ "$(ls "$work/one/$arch")" = "$(ls "$other/another folder/$arch")" ] || fail "the builds hold different files"
[ $status = 0 ] && echo "reproducible: $arch: $count files, equal in both builds"
exit $status
