# SPDX-License-Identifier: BSD-3-Clause
# xl and its guests work on the patched hypervisor as before, beside chaos.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
start-xenstored > /dev/null 2>&1
check "a guest of chaos" chaos create "$GUESTS/noop.cfg"
check "xl create" xl create "$GUESTS/noop.cfg" 'name="xl-guest"' memory=4
check_output 'xl-guest +[0-9]+ +4 +1' "xl list" xl list xl-guest
id=$(chaos domid noop)
check "xl lists the guest of chaos, too, in the same columns" test \
    "$(chaos list noop | tail -n 1 | awk '{ print $2, $3, $4, NF }')" = \
    "$(xl list "$id" | tail -n 1 | awk '{ print $2, $3, $4, NF }')"
check_output '^\(null\) ' "chaos list shows xl's guest without a name" chaos list
check "xl create with a vif and its script" xl create "$GUESTS/daytime.cfg" 'name="xl-vif"' memory=4
check "xl destroy" xl destroy xl-vif
check "xl destroy" xl destroy xl-guest
check "the guest of chaos is still there" chaos destroy noop
finish
