# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Downloads the guest's Debian packages without installing them, for any architecture: apt works on
# a state folder of its own, so neither root nor `dpkg --add-architecture` is needed.

# apt_in STATE PROGRAM ARGUMENTS...
apt_in() {
    local state=$1 program=$2
    shift 2
    LC_ALL=C timeout -k 5 600 "$program" \
        -o "APT::Architecture=$DEB_ARCH" -o "APT::Architectures=$DEB_ARCH" \
        -o "Dir::State=$state" -o "Dir::State::Lists=$state/lists" -o "Dir::State::status=$state/status" \
        -o "Dir::Cache=$state/cache" -o "Dir::Log=$state" -o APT::Sandbox::User= \
        -o Acquire::Languages=none -o Acquire::Retries=2 \
        -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@"
}

# The last complaint of a log, for the one line that a failure ends in.
last_complaint() {
    local line
    line=$(grep -E '^(E|W|timeout): ' "$1" | grep -v 'Some index files failed' | tail -1)
    echo "${line:-apt gave no reason}"
}

# resolve_packages STATE: prints the packages to fetch; the kernel through its meta package.
resolve_packages() {
    local meta=linux-image-$FLAVOUR kernel
    kernel=$(apt_in "$1" apt-cache show --no-all-versions "$meta" 2>/dev/null |
        sed -n "s/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p" | head -1)
    [ -n "$kernel" ] && printf '%s\n' "$kernel" busybox-static "${EXTRA_PACKAGES[@]}"
}

# record_packages DIR: writes DIR/resolved, one line a package: name version sha256 file.
record_packages() {
    local deb
    for deb in "$1"/*.deb; do
        # shellcheck disable=SC2016 # the format is dpkg-deb's
        printf '%s %s %s\n' "$(dpkg-deb -W --showformat='${Package} ${Version}' "$deb")" \
            "$(sha256sum <"$deb" | cut -d' ' -f1)" "${deb##*/}" || return 1
    done | LC_ALL=C sort >"$1/resolved"
}

# fetch_packages: fills $PACKAGES_DIR. The caller holds the lock of the architecture.
fetch_packages() {
    local work=$TEMP/fetch state=$TEMP/apt packages
    mkdir -p "$work" "$state/lists/partial" "$state/cache/archives/partial" && : >"$state/status"
    say "$ARCH: fetching package lists"
    # A source that fails is no reason to stop while the rest still offers the packages.
    apt_in "$state" apt-get -q update >"$TEMP/log" 2>&1
    packages=$(resolve_packages "$state") || fail $EXIT_MISSING "$ARCH: no package linux-image-$FLAVOUR for" \
        "$DEB_ARCH in apt's sources: $(last_complaint "$TEMP/log"); check the network and /etc/apt/sources.list*"
    say "$ARCH: downloading" $packages
    # shellcheck disable=SC2086 # a list of words
    (cd "$work" && apt_in "$state" apt-get -q download $packages) >"$TEMP/log" 2>&1 ||
        fail $EXIT_MISSING "$ARCH: cannot download" $packages: "$(last_complaint "$TEMP/log"); check the network"
    record_packages "$work" || fail 1 "$ARCH: cannot read the packages in $work"
    mkdir -p "${PACKAGES_DIR%/*}" && rm -rf "$PACKAGES_DIR" && mv "$work" "$PACKAGES_DIR" ||
        fail 1 "$ARCH: cannot write $PACKAGES_DIR"
}
