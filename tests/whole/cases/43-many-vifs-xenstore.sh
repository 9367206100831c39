# SPDX-License-Identifier: BSD-3-Clause
# Guests on XenStore, whose vifs no hub serves, in parts of a bridge: alone there, and beside guests on noxs.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh

start_store
kill "$xendevd_pid" && wait "$xendevd_pid"
xendevd --vifs-per-bridge=8 > /tmp/xendevd.log 2>&1 &
export xendevd_pid=$!
wait_for 5 test -s /run/xendevd.pid
basis

create() { # NUMBER BUS
    chaos create "$GUESTS/daytime.cfg" "name=v$1" memory=4 "bus=\"$2\"" "cmdline=\"ip=10.0.0.$1/24\""
}

answers_unknown() { # NUMBER...: to dom0, which has to ask for it
    local n
    for n in "$@"; do
        ip neigh flush dev xenbr0
        ping -q -c 1 -W 2 "10.0.0.$n" > /dev/null || return 1
    done
}

spared() { # LINK
    grep -q 1 "/sys/class/net/$1/brport/proxyarp"
}

learns() { # LINK
    grep -q 1 "/sys/class/net/$1/brport/learning"
}

for n in 2 3 4 5 6 7 8 9 10 11; do # eight on the bridge itself, so that it has a hub
    check "guest $n, on noxs" create "$n" noxs
done
check "there is a part" test -d /sys/class/net/xenbr0-1
check "its link is spared what is flooded" wait_for 5 spared xenbr0-1u
check "and its other end does not learn" eval '! learns xenbr0-1d'
for n in 12 13 14 15 16; do
    check "guest $n, on XenStore" create "$n" xenstore
done
check "the first of them is in that part" test -e "/sys/class/net/xenbr0-1/brif/vif$(chaos domid v12).0"
check "whose link is spared nothing now" eval '! spared xenbr0-1u'
check "and learns" learns xenbr0-1d
for n in 2 10 11 12 13 14 15 16; do
    check "guest $n answers who has to ask for it" wait_for 5 answers_unknown "$n"
done
check "saved and restored on noxs" sh -c 'chaos save v10 /tmp/v.ck && chaos restore /tmp/v.ck'
check "it answers again" wait_for 5 answers_unknown 10
check "those on XenStore go" chaos destroy v12 v13 v14 v15 v16
check "the link is spared again" wait_for 5 spared xenbr0-1u
check "and does not learn" eval '! learns xenbr0-1d'
check "all others answer" answers_unknown 2 9 10 11
check "they go" sh -c 'chaos list -o name | xargs chaos destroy'
wait_for 20 sh -c '! ip -o link | grep -Eq "vif|xenbr0-"'
leakcheck
finish
