# SPDX-License-Identifier: BSD-3-Clause
# host: --stock
# On Debian's own Xen nothing of ours works, each part says so, and nothing stays behind.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
basis
said() { # what the module wrote, without the kernel's own lines on any module of this kind
    dmesg | sed -n 's/.*\] noxs: //p' | grep -v taint
}
one_line() { # COMMAND...
    test "$("$@" 2>&1 | wc -l)" -eq 1
}

check_exit 1 'No such device' "the module is refused" insmod /root/noxs.ko
check "with its one line" test "$(said)" = "this hypervisor has no noxs: boot the patched Xen"
check_exit 6 '^chaos create: this Xen has no noxs: boot the one' "so is chaos create, which says why" \
    chaos create "$GUESTS/noop.cfg"
check "in one line" one_line chaos create "$GUESTS/noop.cfg"
check_exit 6 'this Xen has no noxs' "with a vif, too" chaos create "$GUESTS/daytime.cfg"
check_exit 1 'FAIL +noxs in xen +this Xen has no noxs: boot' "chaos doctor" chaos doctor
check_output '^noxs_abi +: none' "chaos info" chaos info
check_output '^Domain-0 +0 ' "chaos list works" chaos list
check_output '"name": "noop"' "and so does a dry run" chaos create -N "$GUESTS/noop.cfg"
check_exit 3 'no domain' "there is nothing to destroy" chaos destroy noop
leakcheck
finish
