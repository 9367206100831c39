# SPDX-License-Identifier: BSD-3-Clause
# Debian's kernel as a guest of chaos on XenStore: disk, network, console, shutdown, reboot.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh
cd /tmp || exit 1

start_store
make_initramfs initramfs xen-netfront xen-blkfront ext4 << EOF
tries=0
until [ -b /dev/xvda ] || [ \$tries -gt 100 ]; do usleep 100000; tries=\$((tries + 1)); done
if mount -t ext4 /dev/xvda /mnt; then
    cat /mnt/hello
    echo "boot \$(cat /proc/sys/kernel/random/boot_id)" >> /mnt/boots
    umount /mnt
fi
$(greeting)
EOF
echo "hello from dom0" > hello
make_disk disk.img 16 hello
make_disk other.img 8

linux_config linux 'bus = "xenstore"' 'vif = ["bridge=xenbr0,mac=00:16:3e:00:00:09,vifname=guest-vif"]' \
    'disk = ["/tmp/disk.img,raw,xvda,rw", "file:/tmp/other.img,xvdb,r"]'
basis
store_state > before

check "chaos create: Debian's kernel, a vif, two disks" chaos create linux.cfg
id=$(chaos domid linux)
check "its user space writes to its console" wait_for 60 console_shows linux '^user space of'
check "it reads its disk" console_shows linux '^hello from dom0'
check "it answers ping" wait_for 10 answers_ping 9
check_output '00:16:3e:00:00:09' "under its MAC address" ip neigh show 10.0.0.9
check_output 'master xenbr0.*state UP' "its vif is on the bridge and up" ip -o link show guest-vif
check_output '^linux +[0-9]+ +128 +1' "chaos list" chaos list linux
check_output '^linux +[0-9]+ +128 +1' "xl list" xl list linux
check_output '"bus": "xenstore"' "chaos info tells the bus" chaos info -o json linux
check "the loop device of the second disk is read-only" \
    test "$(losetup -n -l -O RO -j /tmp/other.img | tr -d ' ')" = 1
check_exit 1 'disk.img.*used by another guest' "a second guest does not get its disk" \
    chaos create linux.cfg name=second 'vif=[]'
linux_config third 'bus = "xenstore"' 'disk = ["/tmp/other.img,raw,xvda,r"]'
check "but a read-only one is shared" chaos create third.cfg
check_exit 1 'guest-vif.*exists already' "a netdev name that is taken is refused" \
    chaos create -p linux.cfg name=second 'vif=["vifname=guest-vif"]' 'disk=[]'
check "destroy" chaos destroy third
check_exit 3 '' "the refused one left no domain" chaos domid second

check "pause" chaos pause linux
check "unpause" chaos unpause linux
check "it answers" wait_for 5 answers_ping 9
check "reboot" chaos reboot linux
check "it comes up again" wait_for 60 answers_ping 9
check "as another domain" test "$(chaos domid linux)" != "$id"
check "shutdown -w" timeout 60 chaos shutdown -w linux
check "it wrote to its disk in both lives" test "$(on_disk disk.img /boots | sort -u | wc -l)" -eq 2
store_state > after
check "no node, netdev, loop device or back-end is left" diff before after

note "xendevd dies"
kill -9 "$xendevd_pid"
check_exit 7 'vif 0 was not set up.*xendevd' "a create times out and names xendevd" \
    chaos create -p linux.cfg 'disk=[]'
(
    sleep 2
    xendevd > /tmp/xendevd.log 2>&1 &
) &
check "a create waits for a xendevd that comes late" chaos create -p linux.cfg \
    'vif=["vifname=other,mtu=1400"]' 'disk=["/tmp/other.img,raw,xvda,r"]'
check_output 'mtu 1400.*master xenbr0' "its vif has the name and the MTU asked for" ip -o link show other
check "destroy" chaos destroy linux

note "what is refused"
check_exit 8 'cannot open "/tmp/none": No such file' "a disk that is not there" \
    chaos create linux.cfg 'disk=["/tmp/none,raw,xvda"]'
check_exit 8 'noxs bus has no disks: bus="xenstore"' "a disk on noxs" chaos create linux.cfg 'bus="noxs"'
check_exit 1 'neither a file nor a block device' "a disk that is something else" \
    chaos create linux.cfg 'disk=["/dev/null,raw,xvda"]'
check_exit 8 'there is no bridge "none"' "a bridge that is not there" \
    chaos create linux.cfg 'vif=["bridge=none"]'
kill -9 "$(pidof xenstored)"
check_exit 6 'xenstored does not run' "a host without xenstored" chaos create linux.cfg
check "but noxs goes on" chaos create "$GUESTS/noop.cfg"
check "destroy" chaos destroy noop
finish
