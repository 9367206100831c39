# SPDX-License-Identifier: BSD-3-Clause
# 64 clients create at once: no name, domain id, uuid or MAC is given twice, no shell is used twice.
# CASE_ENV=CASE_ROUNDS=16 makes it 64 x 160 creates; every fifth round has guests with a vif, too.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
ip address add 10.1.0.1/16 dev xenbr0
cat > /tmp/chaosd.conf << 'END'
[daemon]
shells_on_stop = destroy
[pool noop]
memory = 1
low = 200
[pool web]
memory = 3
vif = xenbr0
low = 64
END
basis
chaosd -c /tmp/chaosd.conf

unique() { # FILE: no line twice
    [ -s "$1" ] && [ -z "$(sort "$1" | uniq -d)" ]
}

destroy_all() {
    chaos list -o name | xargs -r -n 50 chaos destroy
}

pools_are_full() {
    chaos pool | awk 'NR > 1 && $6 < $8 { less = 1 } END { exit less }'
}

one_round() { # KIND COUNT [KEY=VALUE...]
    local kind=$1 count=$2
    shift 2
    check "the pools are full" wait_for 20 pools_are_full
    check "$count $kind guests from 64 clients" sh -c \
        '/root/bench/bench-client "$@" > /tmp/answers' sh -n "$count" -c 64 "$GUESTS/$kind.cfg" "$@"
    check "all were answered" test "$(grep -c '^[0-9]' /tmp/answers)" -eq "$count"
    chaos list -o json > /tmp/list
    grep -o '"name": "b[^"]*"' /tmp/list > /tmp/names
    grep -o '"domid": [0-9]*' /tmp/list > /tmp/ids
    grep -o '"uuid": "[^"]*"' /tmp/list > /tmp/uuids
    check "all are there" test "$(wc -l < /tmp/names)" -eq "$count"
    check "names differ" unique /tmp/names
    check "domain ids differ" unique /tmp/ids
    check "uuids differ" unique /tmp/uuids
    check "nothing is half made" nothing_is_pending
}

for ((round = 1; round <= ${CASE_ROUNDS:-1}; round++)); do
    one_round noop 640 'name=b{n}'
    destroy_all
    ((round % 5 == 1)) || continue
    one_round daytime 128 'name=b{n}' 'cmdline="ip={ip}/16"'
    cat /run/chaos/domains/* | grep -ao 'mac=[0-9a-f:]*' > /tmp/macs
    check "MACs differ" unique /tmp/macs
    check "there is one for each guest" test "$(wc -l < /tmp/macs)" -eq 128
    check "the last guest answers" wait_for 20 ping -c 1 -W 1 10.1.0.139
    destroy_all
done
chaos stats
kill "$(pidof chaosd)"
wait_for 30 sh -c '! pidof chaosd'
rm -f /run/chaos/chaosd.*
# The kernel takes the network devices down in the background.
wait_for 60 sh -c '! ip -o link | grep -Eq "vif|xenbr0-"'
SLACK_KIB=512 leakcheck
finish
