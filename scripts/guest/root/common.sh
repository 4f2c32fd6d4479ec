# SPDX-License-Identifier: Apache-2.0
# What the guest's scripts share. Everything here runs without a fork unless it says so: under
# emulation each fork costs milliseconds of the boot.

# param NAME: sets $value to the last NAME=VALUE of the kernel command line, or to nothing.
param() {
    value=
    set -f
    for word in $CMDLINE; do
        case $word in "$1="*) value=${word#*=} ;; esac
    done
    set +f
}

# pause SECONDS: sleeps. Fd 9 is a fifo that nobody writes to.
pause() {
    read -r -t "$1" value <&9
}

open_pause() {
    mkfifo "$1" && exec 9<>"$1"
}

mount_kernel_fs() {
    [ -e /proc/self ] || mount -t proc proc /proc
    [ -e /sys/kernel ] || mount -t sysfs sysfs /sys
    if [ ! -e /dev/null ] || [ ! -e /dev/kmsg ]; then
        mount -t devtmpfs devtmpfs /dev 2>/dev/null || { mount -t tmpfs tmpfs /dev && mdev -s; }
    fi
    read -r CMDLINE </proc/cmdline
    # A kernel without a working console must not end the shell at its first redirection.
    if (: >/dev/console) 2>/dev/null; then exec </dev/console >/dev/console 2>&1; fi
}

# load_modules SET: a kernel without modules (User-Mode Linux) has no folder and needs none.
load_modules() {
    [ -d "/lib/modules/$(uname -r)" ] || return 0
    read -r value <"/lib/visor/modules.$1"
    # shellcheck disable=SC2086 # a list of words
    modprobe -a $value 2>/dev/null
}

# stop_guest REASON COMMAND: says why, leaves the root clean, then poweroff or reboot.
stop_guest() {
    echo "visor-guest: $1"
    sync
    mount -o remount,ro / 2>/dev/null
    exec /bin/busybox "$2" -f
}
