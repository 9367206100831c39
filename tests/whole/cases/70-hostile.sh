# SPDX-License-Identifier: BSD-3-Clause
# Guests that do what no well-behaved guest does: they hurt themselves only. (One that never
# sleeps is in 72-spin.sh.)
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
check "a neighbour" create_daytime neighbour 2
check "it answers" wait_for 5 answers_ping 2
# xendevd adds one for eight vifs only.
check "a hub" ip link add hub type noxshub
check "takes what the bridge floods" ip link set hub master xenbr0 up
basis

note "the hypercall, from a guest without privilege"
check "create" chaos create "$GUESTS/noxsabuse.cfg"
check "the guest's own verdict" wait_for 20 console_shows noxsabuse '^Test result: SUCCESS'
check_exit 1 '^$' "no check of it failed" sh -c "chaos console --no-follow noxsabuse | grep -i 'fail'"
check "destroy" chaos destroy noxsabuse

note "front-ends that attack the back-end"
modes="states garbage badrings rorings scribble features filters events reconnect portclose sysctl
    txjump txback txhuge txsizes txnoise slots300 txsum grefs sameref revoke gso extras extrachain csum
    race txrsp rxjump rxback rxstall rxempty rxgrefs rxrsp"
for mode in $modes; do
    check "$mode: create" chaos create "$GUESTS/hostile.cfg" "cmdline=\"mode=$mode\""
    check "$mode: the attack is over" wait_for 30 console_shows hostile "^hostile $mode: done"
    ip neigh flush dev xenbr0 # so that dom0 asks for it, by a broadcast
    check "$mode: the neighbour answers" answers_ping 2
    check "$mode: destroy" chaos destroy hostile
done

note "guests that crash, ignore and talk"
check "crash: create" chaos create "$GUESTS/crash.cfg"
check "crash: its state shows it" wait_for 10 sh -c 'chaos list crash | grep -q -- "---sc-"'
check "crash: destroy" chaos destroy crash
check "deaf: create" chaos create "$GUESTS/deaf.cfg"
wait_for 5 console_shows deaf up
check_exit 7 'deaf' "deaf: shutdown -w gives up" chaos shutdown -w -t 2 deaf
check "deaf: it still runs" chaos domid deaf
check "deaf: destroy" chaos destroy deaf
check "the neighbour answers" answers_ping 2
leakcheck
check "destroy" chaos destroy neighbour
finish
