# SPDX-License-Identifier: BSD-3-Clause
# host: --stock
# chaos on Debian's own Xen, without our module: guests are on XenStore.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh
cd /tmp || exit 1

greeting | make_initramfs initramfs xen-netfront xen-blkfront
make_disk disk.img 4
linux_config linux 'vif = ["bridge=xenbr0"]' 'disk = ["/tmp/disk.img,raw,xvda,r"]'
check_exit 1 'FAIL +xenstore +xenstored does not run' "doctor without xenstored" chaos doctor
start_store_only
check_output '^- +noxs in xen +this Xen has no noxs' "doctor tells that noxs is not to be had" chaos doctor
check_output '^ok +buses +xenstore$' "and that XenStore is" chaos doctor
basis
store_state > before

check_output 'no noxs: the guest.s bus is XenStore' "create says which bus it takes" chaos create linux.cfg
check_output '^bus +: xenstore' "chaos info" chaos info linux
check "it comes up and answers ping" wait_for 60 answers_ping 9
check "shutdown -w" timeout 60 chaos shutdown -w linux
check_exit 6 'this Xen has no noxs' "who asks for noxs is told that there is none" \
    chaos create "$GUESTS/noop.cfg" 'bus="noxs"'
check_exit 8 'noxs bus has no disks' "CHAOS_BUS is obeyed" env CHAOS_BUS=noxs chaos create linux.cfg
store_state > after
check "no node, netdev, loop device or back-end is left" diff before after
leakcheck
finish
