#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# other_abi.sh BUILD: a module of another ABI version (999) does not load, and says why in one line;
# chaos says what is missing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$1
xenhost=$here/../host/xenhost
export XENHOST_NAME=other-abi-$$
failures=0
trap '"$xenhost" down >/dev/null 2>&1' EXIT

# check TEXT PATTERN COMMAND...
check() {
    local text=$1 pattern=$2 output
    shift 2
    output=$(timeout 120 "$xenhost" exec -- "$@" 2>&1)
    if grep -Eq -- "$pattern" <<<"$output"; then
        echo "ok - $text"
    else
        failures=$((failures + 1))
        printf 'FAIL - %s: no /%s/ in:\n%s\n' "$text" "$pattern" "$output"
    fi
}

headers=$("$xenhost" kernel-headers) || exit 1
make -s -C "$here/../../noxs-kmod" KDIR="$headers" OUT="$build/noxs-kmod-999" ABI=999 >/dev/null || exit 1
"$xenhost" up || exit 1
"$xenhost" push "$build/noxs-kmod-999/noxs.ko" /root/other.ko || exit 1
check "it does not load" 'Protocol error' insmod /root/other.ko
check "its one line says both versions" '^1 the hypervisor speaks noxs [0-9]+, this module 999$' \
    sh -c 'dmesg | sed -n "s/.*\] noxs: //p" | grep -v taint | sort | uniq -c | sed "s/^ *//"'
check "nothing of it is left" '^none$' sh -c '[ -e /dev/noxs ] || ! grep -q noxs /proc/modules && echo none'
check "chaos names what is missing" '/dev/noxs.*modprobe noxs' chaos create /root/guests/noop.cfg
check "ours loads after it" '^noxs ' sh -c 'insmod /root/noxs.ko && cat /proc/modules'
check "and works" '^noop ' sh -c 'chaos create /root/guests/noop.cfg && chaos list noop'
[ "$failures" -eq 0 ]
