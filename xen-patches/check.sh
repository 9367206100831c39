#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Checks the series. Without an argument: what can be told from the files. `apply`: that it applies
# without fuzz to the source in BASE (exit 77 when build.sh has not fetched that yet).
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
cache=${CHAOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaos}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
    echo "xen-patches: $*" >&2
    failures=$((failures + 1))
}

base() { awk -v kind="$1" -v field="$2" '$1 == kind { print $field }' "$here/BASE"; }
series() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/series"; }

check_names() {
    series >"$scratch/series"
    (cd "$here" && ls ./*.patch) | sed 's|^\./||' | LC_ALL=C sort >"$scratch/files"
    diff "$scratch/series" "$scratch/files" >&2 ||
        fail "series (<) and the files (>) differ, or series is not in the order of the numbers"
}

# check_header PATCH: From, Subject "component: verb ...", why, Forwarded with a reason.
check_header() {
    sed '/^---$/,$d' "$here/$1" >"$scratch/header"
    sed -n 1p "$scratch/header" | grep -q '^From: ' || fail "$1: the first line is not From:"
    sed -n 2p "$scratch/header" | grep -Eq '^Subject: [a-z0-9/]+: [a-z]' ||
        fail "$1: the second line is not \"Subject: component: verb ...\""
    sed -e '1,2d' -e '/^Forwarded: /d' "$scratch/header" | grep -q . || fail "$1: does not say why"
    grep -Eq '^Forwarded: (no \(.+\)|https?://.+)' "$scratch/header" ||
        fail "$1: no \"Forwarded: no (reason)\" or address"
}

check_added_lines() {
    if grep -nE '^\+.*[[:space:]]$' "$here/$1" >&2; then
        fail "$1: adds white space at the end of a line"
    fi
    awk '/^--- / { fresh = $2 == "/dev/null" } /^\+\+\+ / { file = $2 }
         fresh && /^@@/ { getline; if (!/SPDX-License-Identifier/) print file; fresh = 0 }' \
        "$here/$1" >"$scratch/bare"
    [ ! -s "$scratch/bare" ] || fail "$1: no SPDX line at the top of $(cat "$scratch/bare")"
}

check_abi() {
    "$here/extract.sh" xen/include/public/io/noxs.h "$scratch/noxs.h"
    diff -u "$here/../noxs-kmod/uapi/noxs_abi.h" "$scratch/noxs.h" >&2 ||
        fail "the ABI header in the series is not the copy of noxs-kmod/uapi/noxs_abi.h"
}

check_apply() {
    dsc=$cache/xen-src/$(base package 3)/download/$(base dsc 2)
    if [ ! -e "$dsc" ]; then
        echo "skipped: $dsc is not there; xen-patches/build.sh fetches it"
        exit 77
    fi
    dpkg-source --no-check -x "$dsc" "$scratch/tree" >/dev/null
    for name in $(series); do
        patch -d "$scratch/tree" -p1 -F0 -s -f <"$here/$name" >&2 || fail "$name does not apply"
    done
    left=$(find "$scratch/tree" -name '*.rej')
    [ -z "$left" ] || fail "rejected: $left"
}

case ${1-} in
'')
    check_names
    for name in $(series); do
        check_header "$name"
        check_added_lines "$name"
    done
    check_abi
    ;;
apply) check_apply ;;
*) fail "usage: check.sh [apply]" ;;
esac
[ "$failures" -eq 0 ] || exit 1
echo "xen-patches: $(series | wc -l) patches, all well"
