#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Run on the emulated host: a guest of Debian's own kernel, with its busybox in an initramfs, that takes the address
# ip=ADDRESS/BITS of its command line and asks the host for its own by ARP: the first packet of a guest that is up.
set -eu
start-xenstored
start-chaos
ip address add 10.1.0.1/16 dev xenbr0
modules=/lib/modules/$(uname -r)/kernel
top=/tmp/debian
mkdir -p $top/bin $top/proc $top/dev $top/sys
cp /bin/busybox $top/bin/
cp "$modules/drivers/net/xen-netfront.ko" $top/
cat >$top/init <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
insmod /xen-netfront.ko
for word in $(cat /proc/cmdline); do
    case $word in ip=*) address=${word#ip=} ;; esac
done
ip addr add "$address" dev eth0
ip link set eth0 up
until [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ]; do
    mount -t sysfs sys /sys 2>/dev/null
    usleep 1000
done
arping -q -c 1 -I eth0 10.1.0.1
exec sleep 1000000
END
chmod 755 $top/init
(cd $top && find . | busybox cpio -o -H newc) >/root/guests/debian.initrd 2>/dev/null
cat >/root/guests/debian.cfg <<'END'
name = "debian"
type = "pv"
kernel = "/boot/vmlinux"
ramdisk = "/root/guests/debian.initrd"
memory = 128
vcpus = 1
vif = [ "bridge=xenbr0" ]
on_crash = "destroy"
END
