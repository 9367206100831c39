# SPDX-License-Identifier: BSD-3-Clause
# Debian's kernel as a guest of the patched Xen: PV and PVH by xl, as before; PV by chaos, too.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
cd /tmp || exit 1
modules=/lib/modules/$(uname -r)/kernel

# A guest's whole user space: says that it is there, answers ping if it has an eth0, sleeps.
make_initramfs() {
    mkdir -p top/bin top/sbin top/dev top/proc
    cp /bin/busybox top/bin/
    cp "$modules/drivers/net/xen-netfront.ko" top/
    cat > top/init << 'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
exec > /dev/hvc0 2>&1
insmod /xen-netfront.ko
if grep -q eth0 /proc/net/dev; then
    ip addr add 10.0.0.9/24 dev eth0
    ip link set eth0 up
fi
echo "user space of $(uname -r)"
exec sleep 1000000
EOF
    printf '#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n' > top/sbin/poweroff
    chmod 755 top/init top/sbin/poweroff
    (cd top && find . | busybox cpio -o -H newc) > initramfs 2> /dev/null
}

make_config() { # NAME KERNEL MORE LINES
    printf '%s\n' "name = \"$1\"" "kernel = \"$2\"" 'ramdisk = "/tmp/initramfs"' 'memory = 128' \
        'cmdline = "console=hvc0 quiet"' "${3-}" > "$1.cfg"
}

greets() { # FILE
    grep -q "^user space of $(uname -r)" "$1"
}

xl_guest_starts() { # NAME TEXT
    check "xl create: $2" xl create "$1.cfg"
    xl console "$1" > "$1.console" 2>&1 &
    check "its user space writes to xl's console" wait_for 30 greets "$1.console"
}

make_initramfs
start_host
start-xenstored > /dev/null 2>&1
basis

make_config pv /boot/vmlinuz 'vif = ["bridge=xenbr0"]'
xl_guest_starts pv "a PV guest with a vif, from the bzImage"
check "it answers ping" wait_for 10 answers_ping 9
check "xl shutdown" timeout 30 xl shutdown -w pv
make_config pvh /boot/vmlinux 'type = "pvh"'
xl_guest_starts pvh "a PVH guest, from the ELF file"
check "xl destroy" xl destroy pvh

make_config linux /boot/vmlinuz
check_exit 8 'bzImage.*extract-vmlinux' "chaos create wants the ELF file" chaos create linux.cfg
make_config linux /boot/vmlinux
check "chaos create: a PV guest, from the ELF file" chaos create linux.cfg
check "its user space writes to chaos' console" wait_for 30 console_shows linux '^user space of'
check_exit 1 'sysctl.*chaos destroy' "it knows no requests to shut down" chaos shutdown linux
check "chaos destroy" chaos destroy linux
leakcheck
finish
