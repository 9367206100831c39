# SPDX-License-Identifier: BSD-3-Clause
# A chaos of another ABI version (999) on a host of this one: it says so, and changes nothing.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
other=/root/tests/chaos-other-abi
ours=$(chaos version | sed -n 's/.*noxs ABI \([0-9]*\).*/\1/p')
mismatch="chaos 999, module $ours, Xen $ours; install"
start_host
check "a guest that must not be touched" chaos create "$GUESTS/noop.cfg" name=keep
basis
check_output 'noxs ABI 999' "the other's version" "$other" version
check_exit 6 "$mismatch" "create says all versions" "$other" create "$GUESTS/noop.cfg"
check_exit 6 "$mismatch" "with a vif, too" "$other" create "$GUESTS/daytime.cfg"
check_exit 1 "FAIL +noxs in xen +ABI version $ours, this chaos has 999" "doctor: Xen" "$other" doctor
check_exit 1 "FAIL +module +ABI version $ours, this chaos has 999" "doctor: module" "$other" doctor
check_exit 6 "$mismatch" "shutdown" "$other" shutdown keep
check_output '^keep ' "list works" "$other" list
leakcheck
check "our own chaos works as before" chaos destroy keep
finish
