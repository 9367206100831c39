#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# on_host.sh FOLDER: what the patched hypervisor does, on an emulated host. FOLDER has the programs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
programs=$1
xenhost=$here/../host/xenhost
export XENHOST_NAME=patches-$$
failures=0
trap '"$xenhost" down >/dev/null 2>&1' EXIT

dom0() { timeout 300 "$xenhost" exec -- "$@"; }

# check TEXT PATTERN OUTPUT
check() {
    if grep -Eq -- "$2" <<<"$3"; then
        echo "ok - $1"
    else
        failures=$((failures + 1))
        printf 'FAIL - %s: no /%s/ in:\n%s\n' "$1" "$2" "$3"
    fi
}

# shellcheck disable=SC2016 # for the shell in dom0
pvh_guest='
start-xenstored && xl create /root/pvh-noxs.cfg >/dev/null || exit 1
id=$(xl domid pvh-noxs)
ends_with() { /root/noxs_ctl console "$id" | tail -n 1 | grep -Eq "$1"; }
wait_for() { for _ in $(seq 100); do ends_with "$1" && return; sleep 0.1; done; }
wait_for WAITING
/root/noxs_ctl add "$id"
wait_for "SUCCESS|FAILURE"
/root/noxs_ctl console "$id"
xl destroy pvh-noxs'

"$xenhost" up --bare || exit 1
"$xenhost" push "$programs"/{hypercall_test,copy_test,virq_test,noxs_ctl,pvh-noxs.elf} \
    "$here/../guest/pvh-noxs/pvh-noxs.cfg" /root/ || exit 1
check "xl dmesg says what is there" "noxs: ABI version [0-9]+, hypercall 44" "$(dom0 xl dmesg)"
check "the hypercall, from dom0" "^[0-9]+ checks, 0 failed" "$(dom0 /root/hypercall_test 2>&1)"
check "pages are copied, from dom0" "^[0-9]+ checks, 0 failed" "$(dom0 /root/copy_test 2>&1)"
check "who is told of a domain's end" "^[0-9]+ checks, 0 failed" "$(dom0 /root/virq_test 2>&1)"
check "the page and the hypercall, from a PVH guest" "^SUCCESS" "$(dom0 sh -c "$pvh_guest" 2>&1)"
check "the same when xenstored has the VIRQ of old" "^[0-9]+ checks, 0 failed" \
    "$(dom0 /root/virq_test 2>&1)"
check "no domain is left" "^1$" "$(dom0 sh -c 'sleep 1; xl list | grep -c " [0-9]"')"
[ "$failures" -eq 0 ]
