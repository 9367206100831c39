# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# For cases with stock guests on XenStore; sourced after lib.sh. Works in /tmp.

# xenstored and xendevd; and our module, which a stock Xen does not take.
start_store_only() {
    start-xenstored > /dev/null 2>&1
    start_xendevd
}

start_store() {
    insmod /root/noxs.ko || exit 1
    start_store_only
}

# A guest's whole user space: /init runs the script on stdin after the modules named are loaded.
make_initramfs() { # FILE MODULE...
    local file=$1 top=/tmp/top number=100 path
    shift
    rm -rf $top
    mkdir -p $top/bin $top/sbin $top/dev $top/proc $top/mnt $top/modules
    cp /bin/busybox $top/bin/
    for module in "$@"; do
        modprobe --show-depends "$module"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > /tmp/modules
    while read -r path; do
        cp "$path" "$top/modules/$number.ko"
        number=$((number + 1))
    done < /tmp/modules
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox --install -s /bin'
        echo 'mount -t proc proc /proc; mount -t devtmpfs dev /dev; exec > /dev/hvc0 2>&1'
        echo 'for m in /modules/*; do insmod $m 2> /dev/null; done'
        cat
        echo 'exec sleep 1000000'
    } > $top/init
    printf '#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n' > $top/sbin/poweroff
    printf '#!/bin/busybox sh\nexec /bin/busybox reboot -f\n' > $top/sbin/reboot
    chmod 755 $top/init $top/sbin/*
    (cd $top && find . | busybox cpio -o -H newc) > "$file" 2> /dev/null
}

# An ext4 image with the files named in it, at its root.
make_disk() { # IMAGE MIB FILE...
    local image=$1 mib=$2
    shift 2
    rm -rf /tmp/disk.d
    mkdir /tmp/disk.d
    [ $# -eq 0 ] || cp -r "$@" /tmp/disk.d/
    dd if=/dev/zero of="$image" bs=1M count=0 seek="$mib" 2> /dev/null
    mke2fs -q -F -t ext4 -d /tmp/disk.d "$image"
}

# Lines for make_initramfs: brings up the network, and says so.
greeting() {
    echo 'ip addr add 10.0.0.9/24 dev eth0; ip link set eth0 up; echo "user space of $(uname -r)"'
}

# The configuration of a guest of Debian's kernel and /tmp/initramfs; further lines are added.
linux_config() { # NAME LINE...
    printf '%s\n' "name = \"$1\"" 'kernel = "/boot/vmlinux"' 'ramdisk = "/tmp/initramfs"' \
        'memory = 128' 'cmdline = "console=hvc0 quiet"' "${@:2}" > "$1.cfg"
}

# Lines for make_initramfs: the network, an echo on port 7, and a log on the disk that gets longer, of which port 1007 tells.
# The command brings it to the disk; sync waits for all disks.
keeps_log() { # [COMMAND]
    cat << EOF
tries=0
until [ -b /dev/xvda ] || [ \$tries -gt 100 ]; do usleep 100000; tries=\$((tries + 1)); done
mount -t ext4 /dev/xvda /mnt
$(greeting)
nc -ll -p 7 -e cat &
nc -ll -p 1007 -e sh -c 'cat /proc/uptime; grep -c ^processor /proc/cpuinfo; tail -n 1 /mnt/log' &
(while :; do i=\$((i + 1)); echo "line \$i" >> /mnt/log; ${1:-sync}; sleep 0.1; done) &
EOF
}

lines() { # that such a guest has written, as it says itself
    timeout 10 nc -w 5 10.0.0.9 1007 | awk '$1 == "line" { print $2 }'
}

goes_on() { # LINE: it has written more of them
    local now
    now=$(lines) && [ "${now:-0}" -gt "$1" ]
}

ends_whole() { # NAME IMAGE: such a guest is shut down, and has lost nothing of its log
    check "shutdown" timeout 60 chaos shutdown -w "$1"
    e2fsck -fp "$2" > /dev/null # it was not unmounted: the journal is replayed
    check "its disk is whole" e2fsck -fn "$2"
    check "without a gap in what it wrote" sh -c \
        "debugfs -R 'cat log' $2 2> /dev/null | awk '\$2 != NR { exit 1 }'"
}

# Prints a file of an image, which nobody may use meanwhile.
on_disk() { # IMAGE FILE
    debugfs -R "cat $2" "$1" 2> /dev/null
}

# What netdevs, loop devices and XenStore hold, for diff.
store_state() {
    # error: where the kernel notes that a guest died under its back-end, and nobody ever clears.
    xenstore-ls -f /local/domain | grep -Ev '^/local/domain/0/(backend|error)'
    xenstore-ls -f /local/domain/0/backend 2> /dev/null | grep -c /script
    ip -o link | awk '{ print $2 }'
    losetup -a
    ls /sys/bus/xen-backend/devices
}
