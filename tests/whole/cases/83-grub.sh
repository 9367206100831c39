# SPDX-License-Identifier: BSD-3-Clause
# GRUB's PV image of grub-xen-host as a guest of chaos: it reads its configuration, and then
# Debian's kernel as it comes (a bzImage), from its disk, and that runs.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh
cd /tmp || exit 1

start_store
mkdir -p boot/grub
greeting | make_initramfs boot/initrd xen-netfront
cp /boot/vmlinuz boot/
cat > boot/grub/grub.cfg << 'EOF'
echo "GRUB read its configuration"
linux /boot/vmlinuz console=hvc0 quiet
initrd /boot/initrd
boot
EOF
make_disk disk.img 32 boot
cat > grub.cfg << 'EOF'
name = "grub"
kernel = "/usr/lib/grub-xen/grub-x86_64-xen.bin"
memory = 192
bus = "xenstore"
vif = [ "bridge=xenbr0" ]
disk = [ "/tmp/disk.img,raw,xvda,r" ]
EOF
basis
store_state > before
check "chaos create: GRUB" chaos create grub.cfg
(sleep 1000 | chaos console grub > console.log 2>&1) & # GRUB says more than a ring holds
check "it reads its configuration from the disk" wait_for 30 grep -q 'GRUB read its configuration' console.log
check "and the kernel, which runs" wait_for 60 grep -q "user space of $(uname -r)" console.log
check "it answers ping" wait_for 10 answers_ping 9
check "shutdown -w" timeout 60 chaos shutdown -w grub
store_state > after
check "no node, netdev, loop device or back-end is left" diff before after
finish
