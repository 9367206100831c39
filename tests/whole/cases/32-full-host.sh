# SPDX-License-Identifier: BSD-3-Clause
# Creates on a host that has a few MiB left, then less and less: each works or fails, in whatever step memory runs out;
# Xen and dom0 live on, and all of it comes back.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
basis

# Creates that want little memory and ever more of Xen's own, for vcpus; what there is goes on shrinking.
nibble() {
    local n
    for n in $(seq 10); do
        chaos create -q "$GUESTS/noop.cfg" "name=v$n" memory=1 vcpus=$((n * 12)) 2>> /tmp/errors || failures=$((failures + 1))
        chaos create -q "$GUESTS/noop.cfg" "name=w$n" memory=1 2>> /tmp/errors || failures=$((failures + 1))
        chaos create -q "$GUESTS/daytime.cfg" "name=d$n" memory=3 2>> /tmp/errors || failures=$((failures + 1))
    done
}

: > /tmp/errors
for left in 3 4 6; do
    failures=0
    free=$(($(free_kib) / 1024))
    check "a guest that leaves $left MiB of $free" chaos create -q "$GUESTS/noop.cfg" name=big "memory=$((free - left))"
    nibble
    check "creates fail now ($failures)" test $failures -gt 10
    check "destroy all" sh -c 'chaos list -o name | xargs chaos destroy'
    check "the memory comes back" wait_for 10 memory_is_back 512
done
check "they failed in several steps" test "$(sed 's/[0-9]\+/N/g' /tmp/errors | sort -u | wc -l)" -ge 3
sed 's/[0-9]\+/N/g' /tmp/errors | sort | uniq -c | sed 's/^/# /'
SLACK_KIB=512 leakcheck
finish
