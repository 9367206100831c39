# SPDX-License-Identifier: BSD-3-Clause
# 500 times create and destroy: every counter is back where it was.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
cycle() { # FROM TO
    local n
    for n in $(seq "$1" "$2"); do
        if [ $((n % 2)) -eq 0 ]; then
            chaos create "$GUESTS/daytime.cfg" "name=c$n" && chaos destroy "c$n" || return 1
        else
            chaos create "$GUESTS/noop.cfg" "name=c$n" && chaos destroy "c$n" || return 1
        fi
    done
}
check "warm up" cycle 1 10
basis
memory=$(awk '/^MemFree/ { print $2 }' /proc/meminfo)
slab=$(awk '/^SUnreclaim/ { print $2 }' /proc/meminfo)
check "500 cycles" cycle 11 510
leakcheck
memory_now=$(awk '/^MemFree/ { print $2 }' /proc/meminfo)
slab_now=$(awk '/^SUnreclaim/ { print $2 }' /proc/meminfo)
# 4 KiB a cycle would be 2000 KiB.
check "dom0's unreclaimable slab grew by less than 1500 KiB ($slab to $slab_now)" \
    test $((slab_now - slab)) -lt 1500
check "dom0's free memory shrank by less than 6000 KiB ($memory to $memory_now)" \
    test $((memory - memory_now)) -lt 6000
finish
