# SPDX-License-Identifier: BSD-3-Clause
# Our guests on the XenStore bus: made, asked to shut down and given vifs by xl alone.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start-xenstored > /dev/null 2>&1

create() { # NAME CMDLINE VIF
    xl create -q "$GUESTS/daytime.cfg" memory=4 "name=\"$1\"" "cmdline=\"$2\"" "vif=[\"$3\"]"
}

gone() { # NAME
    ! xl domid "$1"
}

other_answers() { # DOMID HOST-PART: a domain of another id
    local now
    now=$(xl domid front) && [ "$now" != "$1" ] && answers_ping "$2"
}

says() { # NAME PATTERN
    timeout 1 xl console "$1" < /dev/null | grep -q "$2"
}

active_grants() { # those that back-ends hold of guests
    xl dmesg -c > /dev/null
    xl debug-keys g
    xl dmesg -c | grep -Ec '^\(XEN\) \[0x'
}

check "xl create" create front "ip=10.0.0.2/24" "bridge=xenbr0"
check "it answers ping" wait_for 10 answers_ping 2
check_output 'UTC' "and tells the time" daytime_of 2
check "xl shutdown" timeout 30 xl shutdown -w front
wait_for 5 gone front

check "xl create, its address in the vif's configuration" create front "" "bridge=xenbr0,ip=10.0.0.3"
check "it answers ping" wait_for 10 answers_ping 3
before=$(active_grants)
for round in 1 2 3; do
    check "$round: xl network-detach" xl network-detach front 0
    check_exit 1 '.' "$round: it is gone" answers_ping 3
    check "$round: xl network-attach" xl network-attach front bridge=xenbr0 ip=10.0.0.3 "mac=00:16:3e:01:02:0$round"
    check "$round: it answers again" wait_for 10 answers_ping 3
done
check "no grant was left over" test "$(active_grants)" -eq "$before"
old=$(xl domid front)
check "xl reboot" timeout 30 xl reboot front
check "it answers from a new domain" wait_for 20 other_answers "$old" 3
check "xl destroy" xl destroy front

check "xl create: a guest without devices" xl create -q "$GUESTS/noop.cfg" memory=4
check "it runs" wait_for 5 says noop '^noop: up'
check "xl shutdown" timeout 30 xl shutdown -w noop
wait_for 5 gone noop
check "xl create: an app without the store's client" xl create -q "$GUESTS/deaf.cfg" memory=4
check "it runs" wait_for 5 says deaf '^deaf: up'
check "and left the store alone" test \
    -z "$(xenstore-read "/local/domain/$(xl domid deaf)/control/feature-poweroff")"
check "xl destroy" xl destroy deaf
finish
