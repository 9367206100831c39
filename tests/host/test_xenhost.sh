#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Tests of xenhost itself, on one host. Prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
xenhost=$here/xenhost
export XENHOST_NAME=test-xenhost-$$
scratch=$(mktemp -d)
number=0
failures=0

# shellcheck disable=SC2317 # called by the trap
cleanup() {
    "$xenhost" down 2>/dev/null
    rm -rf "$scratch"
}
trap cleanup EXIT

dom0() { timeout 60 "$xenhost" exec -- "$@"; }

# is NAME EXPECTED ACTUAL
is() {
    number=$((number + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        failures=$((failures + 1))
        echo "not ok $number - $1"
        echo "# wanted '$2', got '$3'"
    fi
}

contains() {
    case $3 in
    *"$2"*) is "$1" yes yes ;;
    *) is "$1" "something with '$2'" "$3" ;;
    esac
}

is_up_within() {
    local start=$EPOCHREALTIME seconds
    shift
    "$xenhost" up --bare || exit 1
    dom0 true
    seconds=$(echo "$start $EPOCHREALTIME" | awk '{ print $2 - $1 }')
    echo "# up and a command in $seconds s"
}

contains "exec before up says what to do" "xenhost up" "$(dom0 true 2>&1)"
"$xenhost" exec -- true 2>/dev/null
is "and has a status of its own" 125 $?
"$xenhost" build || exit 1
is_up_within
contains "up twice says so" "already running" "$("$xenhost" up --bare 2>&1)"

# The disk stays in memory: a clock that skips idle time would run away while QEMU waits for it.
broker=$("$xenhost" list | sed -n "s/^$XENHOST_NAME\t.*pid \([0-9]*\).*/\1/p")
if [ "$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$broker/status")" -gt 100000 ]; then
    root=$(sed -n 's|^[^/]*\(/.*/root\.img\)$|\1|p' "/proc/$broker/maps" | head -n 1)
    dd "if=$root" iflag=nocache count=0 status=none # drops what may be dropped
    is "dom0's disk stays in memory" yes "$([ "$(fincore --bytes --noheadings --output RES "$root")" -gt 100000000 ] && echo yes)"
else
    echo "# this user may not lock dom0's disk in memory"
fi

# Status and streams
dom0 sh -c 'exit 7'
is "exit status" 7 $?
# shellcheck disable=SC2016 # for the shell in dom0
dom0 sh -c 'kill -9 $$'
is "death by a signal" 137 $?
message=$(dom0 /nonexistent 2>&1)
is "a command that does not exist" 127 $?
contains "is named" "/nonexistent: No such file" "$message"
is "stdin and stdout" "a b" "$(echo "a b" | dom0 cat)"
is "stderr is separate" "" "$(dom0 sh -c 'echo x >&2' 2>/dev/null)"
is "stderr passes" "x" "$(dom0 sh -c 'echo x >&2' 2>&1 >/dev/null)"
is "stdin may be closed" "" "$(dom0 cat <&-)"
is "arguments are kept apart" "[a b][][*]" "$(dom0 printf '[%s]' 'a b' '' '*')"
is "stdin that nobody reads" 0 "$(head -c 3000000 /dev/zero | dom0 true; echo $?)"

# Bulk, both ways, binary
head -c 20000000 /dev/urandom >"$scratch/random"
sum=$(sha256sum <"$scratch/random")
is "20 MB in and out again" "$sum" "$(dom0 cat <"$scratch/random" | sha256sum)"
is "100 MB out" 100000000 "$(dom0 head -c 100000000 /dev/zero | wc -c)"
is "a reader that stops early" y "$(dom0 yes | head -n 1)"
is "does not leave the writer behind" "" "$(dom0 pidof yes)"

# A client that is killed takes its command along; daemons stay
"$xenhost" exec -- sleep 100000000 &
client=$!
sleep 1
kill -9 $client
wait $client 2>/dev/null
is "a killed client kills its command" "" "$(dom0 pidof sleep)"
dom0 sh -c 'setsid sleep 12345678 >/dev/null 2>&1 </dev/null & sleep 0.5'
is "a daemon outlives its command" 1 "$(dom0 pidof sleep | wc -w)"
dom0 killall sleep
"$xenhost" exec --timeout 1 -- sh -c 'while :; do :; done' 2>/dev/null
is "--timeout" 124 $?
is "eight commands at once, and more" 12 \
    "$(for _ in $(seq 12); do dom0 sh -c 'sleep 1; echo' & done | wc -l)"
is "a terminal" "/dev/pts/0" "$("$xenhost" exec -t -- tty </dev/null | tr -d '\r')"

# Files
mkdir -p "$scratch/tree/deep"
cp "$scratch/random" "$scratch/tree/deep/file"
ln -s deep/file "$scratch/tree/link"
"$xenhost" push "$scratch/tree" /root/
"$xenhost" pull /root/tree "$scratch/back"
is "push and pull a folder" "" "$(diff -r "$scratch/tree" "$scratch/back" 2>&1)"
"$xenhost" push "$scratch/random" /tmp/new/name
is "push a file under a new name" "$sum" "$(dom0 cat /tmp/new/name | sha256sum)"
contains "pull of nothing" "/nothing" "$("$xenhost" pull /nothing "$scratch" 2>&1)"
contains "push of nothing" "does not exist" "$("$xenhost" push /nonexistent /root/ 2>&1)"

# Time stands still between commands, and is the instruction count. Before a command has ended dom0 is
# idle for a moment, and skips to its next timer: some seconds. Left running for three seconds of
# ours, it would skip thousands.
# shellcheck disable=SC2016 # for the shell in dom0
clock() { dom0 sh -c 'read -r up _ </proc/uptime; echo ${up%.*}'; }
before=$(clock)
sleep 3
after=$(clock)
is "the clock stands still between commands" yes \
    "$([ $((after - before)) -le 10 ] && echo yes || echo "$before s before, $after s after")"
before=$(clock)
dom0 sleep 1000
after=$(clock)
is "sleep passes virtual time" yes "$([ $((after - before)) -ge 1000 ] && echo yes)"

# dom0 as promised
is "no XenStore runs" "" "$(dom0 pidof xenstored oxenstored)"
contains "the bridge is there" "10.0.0.1/24" "$(dom0 ip -br addr show xenbr0)"
contains "on Xen" "xen_version            : 4.17" "$(dom0 xl info 2>/dev/null)"

# The end
contains "list" "$XENHOST_NAME	up	deterministic" "$("$xenhost" list)"
contains "the console is kept" "XEN" "$("$xenhost" log)"
kill -9 "$("$xenhost" list | sed -n "s/^$XENHOST_NAME\t.*pid //p")"
sleep 1
contains "a dead broker is noticed" "not up" "$(dom0 true 2>&1)"
is_up_within
dom0 busybox poweroff -f 2>/dev/null
sleep 1
contains "a dead host says why" "shut down" "$(dom0 true 2>&1)"
"$xenhost" down
is "down" 0 $?
"$xenhost" down 2>/dev/null
is "down twice" 0 $?

# Linux alone, with what containers need
"$xenhost" up --linux --containers --bare || exit 1
is "--linux has no Xen" "" "$(dom0 ls -d /proc/xen 2>/dev/null)"
contains "nor transparent huge pages" "[never]" "$(dom0 cat /sys/kernel/mm/transparent_hugepage/enabled)"
contains "--containers has runc and crun" "crun version" "$(dom0 sh -c 'runc --version >/dev/null && crun --version')"
"$xenhost" down

echo "1..$number"
[ $failures -eq 0 ]
