# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Makes the guest's files out of the packages. Same packages, same recipe: same bytes.
# Every function works in $TEMP and leaves its result in $TEMP/out.

EPOCH=1672531200 # every time stamp: 2023-01-01 00:00:00 UTC
FS_UUID=7669736f-726b-4974-8000-67756573746b
FS_MIB=64
APPLETS=(ash awk base64 basename blockdev cat chmod chown chroot cmp cp cut date dd df dirname dmesg du
    echo egrep env expr false find fgrep free fsfreeze grep gunzip gzip halt head hexdump hostname id ifconfig
    insmod ip kill killall ln losetup ls lsmod lsscsi md5sum mdev mkdir mke2fs mkfifo mknod mktemp modprobe more
    mount mv nc nproc nsenter od pidof ping printf ps pwd readlink realpath rm rmdir rmmod
    route sed seq sh sha256sum sleep sort stat strings stty swapoff swapon switch_root sync sysctl tail tar
    taskset tee test time timeout top touch tr true truncate udhcpc umount uname uniq uptime usleep vi wc wget
    which xargs xxd yes)

# unpack_packages: every package into $TEMP/packages; sets KERNEL_RELEASE and MODULES (their folder).
unpack_packages() {
    local deb
    mkdir -p "$TEMP/packages" "$TEMP/out"
    for deb in "$PACKAGES_DIR"/*.deb; do
        dpkg-deb -x "$deb" "$TEMP/packages" ||
            fail 1 "$ARCH: cannot unpack $deb; remove $PACKAGES_DIR or free some space, and try again"
    done
    MODULES=$(find "$TEMP/packages" -path '*lib/modules/*' -prune -print | head -1)
    [ -n "$MODULES" ] && [ -d "$MODULES/kernel" ] || fail 1 "$ARCH: the kernel package holds no modules folder"
    KERNEL_RELEASE=${MODULES##*/}
}

# extract_vmlinux BZIMAGE OUT: the ELF kernel inside an x86 bzImage. Its place stands in the setup
# header (Documentation/x86/boot.rst: setup_sects 0x1f1, payload_offset 0x248, payload_length 0x24c).
extract_vmlinux() {
    local sectors offset length magic
    sectors=$(od -An -tu1 -j 497 -N 1 "$1" | tr -d ' ')
    read -r offset length < <(od -An -tu4 --endian=little -j 584 -N 8 "$1")
    offset=$(((sectors + 1) * 512 + offset))
    magic=$(od -An -tx1 -j $offset -N 6 "$1" | tr -d ' ')
    [ "$magic" = fd377a585a00 ] ||
        fail 1 "$ARCH: the kernel's payload is not xz (magic $magic); extract_vmlinux needs another decompressor"
    # The last four bytes of the payload are its unpacked size, not xz data.
    dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip=$offset count=$((length - 4)) status=none | xz -dc >"$2" ||
        fail 1 "$ARCH: cannot decompress the kernel in ${1##*/}"
}

make_kernel() {
    local image
    image=$(find "$TEMP/packages/boot" -name 'vmlinu[xz]-*' | head -1)
    [ -n "$image" ] || fail 1 "$ARCH: the kernel package holds no boot/vmlinu[xz]-*"
    if [ "$ARCH" = amd64 ]; then
        cp "$image" "$TEMP/out/kernel.bzimage" && extract_vmlinux "$image" "$TEMP/out/kernel"
    else
        cp "$image" "$TEMP/out/kernel"
    fi
}

module_names() { awk -v set="$1" '$1 == set { for (i = 2; i <= NF; i++) print $i }' "$GUEST_HERE/modules"; }

# index_modules: MODULE_FILE[name] for every module, BUILTIN[name] for what the kernel has inside.
index_modules() {
    local file name
    declare -gA MODULE_FILE=() BUILTIN=()
    while IFS= read -r file; do
        name=${file##*/} name=${name%%.ko*}
        MODULE_FILE[${name//-/_}]=$file
    done < <(find "$MODULES/kernel" -name '*.ko*')
    while IFS= read -r file; do
        name=${file##*/} name=${name%.ko}
        BUILTIN[${name//-/_}]=1
    done <"$MODULES/modules.builtin"
}

# add_module TREE NAME: copies a module and what it depends on; false when the kernel has no such module.
add_module() {
    local tree=$1 name=${2//-/_} file target depends
    file=${MODULE_FILE[$name]:-}
    [ -n "$file" ] || { [ -n "${BUILTIN[$name]:-}" ]; return; }
    target=$tree/lib/modules/$KERNEL_RELEASE/${file#"$MODULES/"}
    [ -e "$target" ] && return
    mkdir -p "${target%/*}" && cp "$file" "$target" || fail 1 "$ARCH: cannot write $target"
    depends=$(modinfo -F depends "$file") || fail 1 "$ARCH: cannot read the module ${file##*/}"
    for name in ${depends//,/ }; do
        add_module "$tree" "$name" || fail 1 "$ARCH: the module ${file##*/} needs $name, which the package lacks"
    done
}

# add_modules TREE LOADED SETS...: copies the sets; lib/visor/modules.LOADED lists what is to be loaded.
add_modules() {
    local tree=$1 loaded=$2 set name names=()
    shift 2
    for name in $(module_names must); do
        [ -n "${MODULE_FILE[${name//-/_}]:-}${BUILTIN[${name//-/_}]:-}" ] ||
            fail 1 "$ARCH: the kernel package has no $name, and the guest cannot work without"
    done
    for set in "$@"; do
        for name in $(module_names "$set"); do
            [ -n "${MODULE_FILE[${name//-/_}]:-}" ] || continue
            add_module "$tree" "$name"
            if [ "$set" = "$loaded" ]; then names+=("$name"); fi
        done
    done
    echo "${names[*]}" >"$tree/lib/visor/modules.$loaded"
    cp "$MODULES"/modules.{order,builtin,builtin.modinfo} "$tree/lib/modules/$KERNEL_RELEASE/" &&
        depmod -b "$tree" "$KERNEL_RELEASE" || fail 1 "$ARCH: depmod failed on the guest's modules"
}

# add_drmgr TREE: ppc64le's PCI hot-plug helper with its libraries, where the loader looks for them.
add_drmgr() {
    local from file libs=lib/powerpc64le-linux-gnu
    [ "$ARCH" = ppc64le ] || return 0
    mkdir -p "$1/lib64" "$1/usr/sbin" "$1/$libs"
    for from in usr/sbin/drmgr $libs/{ld64.so.2,libc.so.6} usr/$libs/{librtas.so.2,libnuma.so.1}; do
        case $from in */ld64.*) file=lib64/ld64.so.2 ;; *.so.*) file=${from#usr/} ;; *) file=$from ;; esac
        cp -L "$TEMP/packages/$from" "$1/$file" || fail 1 "$ARCH: no package holds $from, which drmgr needs"
    done
}

# make_tree TREE: folders, busybox and scripts that every root has.
make_tree() {
    local name
    mkdir -p "$1"/{bin,sbin,etc,lib/visor,lib/modules,dev,proc,sys,run,tmp,var,mnt,root,usr/bin,usr/sbin,sysroot}
    cp "$TEMP/packages/bin/busybox" "$1/bin/" || fail 1 "$ARCH: busybox-static holds no bin/busybox"
    for name in "${APPLETS[@]}"; do ln -s busybox "$1/bin/$name"; done
    ln -s ../bin/busybox "$1/sbin/modprobe" # the kernel asks for it by this path
    for name in poweroff reboot; do
        # busybox's own would only signal the first process, which is a shell script.
        printf '#!/bin/sh\nexec /bin/busybox %s -f\n' $name >"$1/sbin/$name"
    done
    cp "$GUEST_HERE"/root/{common.sh,agent,power-button} "$1/lib/visor/"
}

make_trees() {
    local full=$TEMP/full early=$TEMP/early
    index_modules
    make_tree "$full"
    add_modules "$full" boot boot early roots more
    add_drmgr "$full"
    cp "$GUEST_HERE/root/init" "$full/sbin/init" && ln -s sbin/init "$full/init"
    make_tree "$early"
    add_modules "$early" early early roots
    cp "$GUEST_HERE/root/early-init" "$early/init"
    set_metadata "$full" && set_metadata "$early" || fail 1 "$ARCH: cannot set modes and times in $TEMP"
}

# set_metadata TREE: modes and times that depend on nothing but the contents.
set_metadata() {
    find "$1" -type d -exec chmod 755 {} + &&
        find "$1" -type f -exec chmod 644 {} + &&
        chmod 755 "$1"/bin/busybox "$1"/sbin/* "$1"/lib/visor/{agent,power-button} &&
        find "$1" \( -path "$1/init" -o -name '*.so.*' -o -path "$1/usr/sbin/*" \) -type f -exec chmod 755 {} + &&
        find "$1" -exec touch -h -d "@$EPOCH" {} +
}

# make_initrd TREE OUT
make_initrd() {
    (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
        cpio -0 -o -H newc -R 0:0 --reproducible --quiet | gzip -n -"${GZIP_LEVEL:-1}") >"$2" ||
        fail 1 "$ARCH: cannot write ${2##*/}"
}

# fix_inodes IMAGE: mke2fs copies owner and change time from the host's files.
fix_inodes() {
    local total free inode field
    read -r total free < <(dumpe2fs -h "$1" 2>/dev/null |
        awk -F: '/^Inode count/ { t = $2 } /^Free inodes/ { f = $2 } END { print t + 0, f + 0 }')
    for inode in 2 $(seq 11 $((total - free))); do
        for field in atime ctime mtime crtime; do
            echo "sif <$inode> $field @$EPOCH"
            echo "sif <$inode> ${field}_extra 0"
        done
        echo "sif <$inode> uid 0"
        echo "sif <$inode> gid 0"
    done >"$TEMP/inodes"
    debugfs -w -f "$TEMP/inodes" "$1" >"$TEMP/log" 2>&1
}

# make_image TREE OUT: an ext4 file system on a whole disk. 4 KiB blocks are what DAX needs, and no
# journal or checksum keeps the modules for the root few.
make_image() {
    local out=$2
    export E2FSPROGS_FAKE_TIME=$EPOCH
    truncate -s ${FS_MIB}M "$out" &&
        mke2fs -q -F -t ext4 -b 4096 -O ^metadata_csum,^has_journal,^resize_inode -N 1024 -m 0 -L visor-guest \
            -U $FS_UUID -E "hash_seed=$FS_UUID,root_owner=0:0,lazy_itable_init=0" -d "$1" "$out" >"$TEMP/log" 2>&1 &&
        fix_inodes "$out" && e2fsck -fn "$out" >"$TEMP/log" 2>&1 ||
        fail 1 "$ARCH: cannot make ${out##*/}: $(tail -1 "$TEMP/log")"
}

# make_pfn IMAGE OUT: the image behind a 2 MiB header, so that Linux gives the nvdimm struct pages and
# with them DAX (struct nd_pfn_sb of the kernel's drivers/nvdimm/pfn.h; Fletcher-64 checksum).
make_pfn() {
    truncate -s 2M "$2" && perl -e '
        my ($size, $uuid) = @ARGV;
        my $sb = pack("a16 H32 x16 L< S< S< Q< Q< L< L< L< L< L< S<", "NVDIMM_PFN_INFO\0", $uuid =~ tr/-//dr,
            0, 1, 4, 2 << 20, $size / 4096, 1, 0, 0, 2 << 20, 4096, 64);
        $sb .= "\0" x (4096 - length $sb);
        my ($low, $high) = (0, 0);
        for (unpack "L<1024", $sb) { $low = ($low + $_) & 0xffffffff; $high = ($high + $low) & 0xffffffff; }
        substr($sb, 4088, 8) = pack "L< L<", $low, $high;
        print "\0" x 4096, $sb;' "$(stat -c %s "$1")" $FS_UUID | dd of="$2" conv=notrunc status=none &&
        truncate -s "$((FS_MIB + 2))M" "$2" && dd if="$1" of="$2" bs=2M seek=1 conv=notrunc,sparse status=none ||
        fail 1 "$ARCH: cannot write ${2##*/}"
}
