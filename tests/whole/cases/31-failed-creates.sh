# SPDX-License-Identifier: BSD-3-Clause
# Creates that fail, each for one of the reasons below, leave nothing: neither in chaosd nor in Xen nor on the disk.
# CASE_ENV=CASE_ROUNDS=10000 makes as many fail.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
rounds=${CASE_ROUNDS:-150}
warm=100 # until chaosd has what it keeps
fixed_pools '[pool noop]' 'memory = 1' 'low = 4'
basis
chaosd -c /tmp/chaosd.conf
daemon=$(pidof chaosd)
check "a guest that stays" chaos create "$GUESTS/noop.cfg" name=keep
head -c 9000 "$GUESTS/noop.elf" > /tmp/cut.elf
head -c 1200000 /dev/zero > /tmp/ramdisk
free_mib=$(($(free_kib) / 1024))

# One reason a case. That of case 8 shows only when its domain, its memory and a device are there.
fail_once() { # NUMBER OPTION
    local name=f$1
    set -- "$2" "$GUESTS/noop.cfg" "name=$name"
    case $((${name#f} / 2 % 10)) in
        0) set -- "$@" kernel=/tmp/none.elf ;;
        1) set -- "$@" kernel=/tmp/cut.elf ;;
        2) set -- "$@" 'vif=["bridge=nowhere"]' ;;
        3) set -- "$1" "$2" name=keep ;;
        4) set -- "$@" memory=900000 ;;
        5) set -- "$@" "memory=$((free_mib + 100))" ;;
        6) set -- "$@" memory=8 vcpus=1000 ;;
        7) set -- "$@" ramdisk=/tmp/ramdisk ;;
        8) set -- "$@" memory=3 'vif=["bridge=xenbr0,vifname=xenbr0"]' ;;
        9) set -- "$@" memory=3 'vif=["bridge=xenbr0,vifname=lo"]' kernel=/usr/bin/true ;;
    esac
    ! chaos create -q "$@" 2>> /tmp/errors
}

many() { # FROM TO
    local n bad=0
    for ((n = $1; n <= $2; n++)); do
        if [ $((n % 2)) -eq 0 ]; then
            fail_once "$n" --daemon || bad=$((bad + 1))
        else
            fail_once "$n" --no-daemon || bad=$((bad + 1))
        fi
    done
    return $((bad > 0))
}

memory_of_daemon() {
    awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"
}

inventory() {
    echo "descriptors: $(find "/proc/$daemon/fd" -mindepth 1 | wc -l)"
    echo "threads: $(find "/proc/$daemon/task" -mindepth 1 -maxdepth 1 | wc -l)"
    echo "mappings: $(wc -l < "/proc/$daemon/maps")"
    echo "files: $(find /tmp /dev/shm /var/lib/chaos -type f ! -name 'inventory*' 2> /dev/null | sort | tr '\n' ' ')"
    echo "shells: $(find /run/chaos/shells -type f | wc -l)"
    counters | sed 's/^domains: .*//; s|/run/chaos/shells/[^ ]* ||g' # shells come and go
}

pool_is_full() {
    [ "$(chaos pool | awk '$1 == "noop" { print $6 }')" = 4 ]
}

check "each of the first $warm fails" many 1 $warm
check "for at least eight reasons" test "$(sed 's/[0-9]*//g' /tmp/errors | sort -u | wc -l)" -ge 8
sort /tmp/errors | sed 's/[0-9]\+/N/g' | uniq -c | sed 's/^/# /'
: > /tmp/errors
wait_for 10 pool_is_full
inventory > /tmp/inventory
resident=$(memory_of_daemon) slab=$(awk '/^SUnreclaim/ { print $2 }' /proc/meminfo)
settle
free=$(free_kib)
check "each of $rounds more" many $((warm + 1)) $((warm + rounds))
: > /tmp/errors
wait_for 10 pool_is_full
settle
inventory > /tmp/inventory.now
check "descriptors, threads, mappings, files, domains, ports, netdevs are the same" diff /tmp/inventory /tmp/inventory.now
grown=$(($(memory_of_daemon) - resident))
check "chaosd's memory is flat ($grown KiB more than $resident)" test $grown -le 1024
grown=$(($(awk '/^SUnreclaim/ { print $2 }' /proc/meminfo) - slab))
check "dom0's unreclaimable slab, too ($grown KiB more)" test $grown -le 1500
check "Xen's free memory, too ($free KiB before, $(free_kib) now)" test $((free - $(free_kib))) -le 512
check "chaosd serves" chaos create --daemon "$GUESTS/noop.cfg" name=after
check "destroy" chaos destroy after keep
kill "$daemon"
wait_for 30 sh -c '! pidof chaosd'
rm -f /run/chaos/chaosd.*
SLACK_KIB=512 leakcheck
finish
