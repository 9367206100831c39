# SPDX-License-Identifier: BSD-3-Clause
# host: --plain
# Guests that were just made run on both processors while dom0's vcpu, which has run for long, waits for one: Xen's
# scheduler once forgot it there, and the host stood still (xen-patches/0385-*). So it did in each of five tries.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
fixed_pools '[pool noop]' 'memory = 1' 'low = 64'
chaosd -c /tmp/chaosd.conf
start-xenstored
check_output 'all / all' "dom0's vcpu may run on either processor" xl vcpu-list 0
for round in 1 2; do
    check "$round: 300 guests from 8 clients" timeout 400 sh -c \
        "/root/bench/bench-client -n 300 -c 8 $GUESTS/noop.cfg name=r$round-{n} > /tmp/answers"
    check "all were answered" test "$(grep -c '^[0-9]' /tmp/answers)" -eq 300
done
check "all are there" test "$(chaos list -o name | wc -l)" -eq 600
check "destroy" sh -c 'chaos list -o name | xargs -n 50 chaos destroy'
finish
