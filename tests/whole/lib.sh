# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Runs in dom0 (network.sh is for cases that do not). A case sources this, makes its checks, and calls finish.
# Prints one line a check.

GUESTS=/root/guests
failed=0
checks=0

note() {
    echo "# $*"
}

verdict() { # STATUS TEXT [OUTPUT]
    checks=$((checks + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok - $2"
    else
        failed=$((failed + 1))
        echo "FAIL - $2"
        [ -z "${3-}" ] || printf '%s\n' "$3" | sed 's/^/#   /' | head -n 20
    fi
}

# check TEXT COMMAND...: it succeeds.
check() {
    local text=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    verdict "$status" "$text" "exit status $status of: $*
$output"
}

# check_exit STATUS PATTERN TEXT COMMAND...: it ends with STATUS, and its output matches PATTERN.
check_exit() {
    local want=$1 pattern=$2 text=$3 output status=0
    shift 3
    output=$("$@" 2>&1) || status=$?
    if [[ $status =~ ^$want$ ]] && printf '%s\n' "$output" | grep -Eq -- "$pattern"; then
        verdict 0 "$text"
    else
        verdict 1 "$text" "exit status $status (not $want, or no match of /$pattern/) of: $*
$output"
    fi
}

# check_output PATTERN TEXT COMMAND...
check_output() {
    check_exit 0 "$@"
}

# wait_for SECONDS COMMAND...: until it succeeds, at most that long.
wait_for() {
    local tries=$(($1 * 20))
    shift
    while ! "$@" > /dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

nothing_is_pending() { # no create, destroy or shell is half made
    local found
    found=$(ls -A /run/chaos/pending) && [ -z "$found" ]
}

# ------------------------------------------------------------------ the host

start_host() { # module and xendevd, as an administrator would
    insmod /root/noxs.ko || exit 1
    start_xendevd
}

start_xendevd() {
    xendevd > /tmp/xendevd.log 2>&1 &
    export xendevd_pid=$!
    wait_for 5 test -s /run/xendevd.pid || note "xendevd did not start: $(cat /tmp/xendevd.log)"
}

fixed_pools() { # LINE...: chaosd.conf with these pools and no others; their shells go with chaosd
    printf '%s\n' '[daemon]' 'shells_on_stop = destroy' '[pools]' 'adaptive = no' "$@" > /tmp/chaosd.conf
}

console() { # what stands in a guest's console ring
    chaos console --no-follow "$1"
}

console_shows() { # DOMAIN PATTERN
    console "$1" | grep -Eq -- "$2"
}

create_daytime() { # NAME HOST-PART [key=value...]
    local name=$1 address=10.0.0.$2
    shift 2
    chaos create "$GUESTS/daytime.cfg" "name=$name" "cmdline=\"ip=$address/24\"" "$@"
}

answers_ping() { # HOST-PART
    ping -c 1 -W 1 "10.0.0.$1"
}

daytime_of() { # HOST-PART: the time that this guest tells
    timeout 5 nc -w 3 "10.0.0.$1" 13
}

# One connection to tcpecho that stays open, as descriptor 7 (not in a subshell): what is said comes back.
connect() { # HOST-PART
    exec 7<> "/dev/tcp/10.0.0.$1/7"
}

echoes() { # TEXT: within ${patience:-5} s
    local answer
    echo "$1" >&7 && read -r -t "${patience:-5}" -u 7 answer && [ "$answer" = "$1" ]
}

state_says() { # HOST-PART PATTERN: of what tcpecho tells of itself
    timeout 5 nc -w 3 "10.0.0.$1" 1007 | grep -q "$2"
}

domain_state() { # NAME: the six letters of chaos list
    chaos list "$1" | awk 'NR == 2 { print $5 }'
}

# ------------------------------------------------------------------ kills

# trace COMMAND...: its system calls after the start of the program, as "name occurrence".
trace() {
    strace -o /tmp/trace "$@" > /dev/null 2>&1
    awk -F'(' '/^[a-z]/ { count[$1]++; if ($1 != "execve" && $1 != "exit_group") print $1, count[$1] }' /tmp/trace
}

killed_at() { # CALL OCCURRENCE COMMAND...
    local call=$1 occurrence=$2
    shift 2
    strace -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$occurrence" "$@" > /dev/null 2>&1
}

# sweep TEXT PREPARE COMMAND...: kills the command, which makes or unmakes "victim", at each of its
# system calls, or at every EVERY-th; $alive domains must be left each time.
sweep() {
    local text=$1 prepare=$2 calls=0 bad=0 call occurrence
    shift 2
    $prepare
    trace "$@" | awk -v every="${EVERY:-1}" 'NR % every == 0' > /tmp/calls
    chaos list > /dev/null # whatever is left is cleared
    chaos destroy victim > /dev/null 2>&1
    while read -r call occurrence; do
        calls=$((calls + 1))
        $prepare
        killed_at "$call" "$occurrence" "$@" 2> /dev/null
        chaos create "$GUESTS/noop.cfg" name=next > /dev/null || bad=$((bad + 1))
        chaos destroy next > /dev/null || bad=$((bad + 1))
        chaos destroy victim > /dev/null 2>&1
        if [ "$(chaos list -q | wc -l)" -ne "${alive:-1}" ] || [ -n "$(ls -A /run/chaos/pending)" ]; then
            bad=$((bad + 1))
            note "left after a kill at $call $occurrence: $(chaos list -q | tr '\n' ' ')$(ls /run/chaos/pending)"
        fi
    done < /tmp/calls
    verdict $((bad > 0)) "$text: killed at each of $calls system calls ($bad times something was left)"
    check "there was something to kill" test "$calls" -gt $((20 / ${EVERY:-1}))
}

# ------------------------------------------------------------------ leaks

counters() {
    xl debug-keys g 2> /dev/null
    echo "domains: $(chaos list -q | sort | tr '\n' ' ')"
    echo "event channels: $(/usr/lib/xen-4.17/bin/lsevtchn 0 | grep -c .)"
    echo "active grants: $(xl dmesg -c | grep -Ec '^\(XEN\) \[0x')"
    echo "netdevs: $(ip -o link | awk '{ print $2 }' | tr '\n' ' ')"
    echo "noxs devices: $(awk '$1 == "noxs" { print $3 }' /proc/modules)"
    echo "records: $(find /run/chaos \( -type f -o -type l \) ! -name macs ! -name uuids 2> /dev/null | sort | tr '\n' ' ')"
}

# Xen frees and scrubs in the background, and the kernel frees netdevs there: give both a moment.
settle() {
    local before after
    after=$(free_kib)
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        before=$after
        sleep 0.3
        after=$(free_kib)
        [ "$before" != "$after" ] || return 0
    done
}

free_kib() {
    /root/tests/xen-free
}

basis() {
    settle
    counters > /tmp/basis
    free_kib > /tmp/basis.free
}

memory_is_back() { # SLACK_KIB
    [ $(($(cat /tmp/basis.free) - $(free_kib))) -le "$1" ]
}

# Everything is as it was at the basis; free memory may differ by SLACK_KIB (Xen's own heap caches).
leakcheck() {
    local slack=${SLACK_KIB:-64} free before difference
    settle
    wait_for 3 memory_is_back "$slack" # Xen's RCU can take longer than settle takes for calm
    counters > /tmp/now
    free=$(free_kib) before=$(cat /tmp/basis.free)
    check "nothing is left: domains, ports, grants, netdevs, devices, records" diff /tmp/basis /tmp/now
    difference=$((before - free))
    check "free memory is back ($before KiB before, $free KiB now)" test "$free" -gt 0 -a "$difference" -le "$slack"
}

kernel_complaints() {
    dmesg | grep -E 'BUG|Oops|WARNING|Call Trace|refcount|unregister_netdevice: waiting'
}

kernel_is_well() {
    check_exit 1 '^$' "dom0's kernel has nothing to complain of" kernel_complaints
}

finish() {
    kernel_is_well
    echo "# $checks checks, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# skip REASON: this host cannot run the case.
skip() {
    echo "skip: $*"
    exit 77
}
