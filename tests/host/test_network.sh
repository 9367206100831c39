#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two plain hosts on one network: they hear each other, late if told so, and not at all when cut.
set -u
here=$(cd "$(dirname "$0")" && pwd)
xenhost=$here/xenhost
a=net-$$-a b=net-$$-b
number=0 failures=0

check() { # what, command...
    local what=$1
    shift
    number=$((number + 1))
    if "$@" >/dev/null 2>&1; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        failures=$((failures + 1))
    fi
}
# shellcheck disable=SC2317 # called by check
fails() { ! "$@"; }
down() {
    "$xenhost" down --name "$a"
    "$xenhost" down --name "$b"
} 2>/dev/null
trap down EXIT
dom0() { "$xenhost" exec --timeout 100 --name "$@"; }
reach() { dom0 "$a" -- ping -q -c 1 -W "$1" 10.0.0.2; }
# The rtt of a ping in whole ms is at least $1.
takes() { dom0 "$a" -- ping -c 2 10.0.0.2 | sed -n 's/.*time=\([0-9]*\).*/\1/p' |
    awk -v least="$1" '$1 < least { bad = 1 } END { exit bad || NR < 2 }'; }

check "a deterministic host is refused" fails "$xenhost" up --name "$a" --net "net-$$:1"
check "so is a number out of range" fails "$xenhost" up --name "$a" --plain --net "net-$$:100"
"$xenhost" up --bare --plain --name "$a" --net "net-$$:1" 2>/dev/null &
"$xenhost" up --bare --plain --name "$b" --net "net-$$:2" 2>/dev/null &
wait
check "each reaches the other" reach 20
check "what a host sends does not come back to it" dom0 "$a" -- sh -c '! dmesg | grep "own address"'
check "a delay can be set" "$xenhost" link --name "$a" --delay 300
check "and is there" takes 300
check "a cable can be pulled" "$xenhost" link --name "$b" --cut
check "and nothing passes" fails reach 3
check "and mended" "$xenhost" link --name "$b"
check "and all passes" reach 20
echo "1..$number"
[ $failures -eq 0 ]
