#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Prints the folder of lwIP's sources: from Debian's source package, checked, kept in the cache.
set -eu

version=2.1.3+dfsg1-2
tarball=lwip_2.1.3+dfsg1.orig.tar.xz
sha256=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
cache=${CHAOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaos}/lwip

die() {
    echo "minios-guests/lwip/fetch.sh: $*" >&2
    exit 1
}

if [ ! -e "$cache/$sha256/src/core/tcp.c" ]; then
    mkdir -p "$cache"
    exec 8>"$cache/lock"
    flock 8
    work=$(mktemp -d "$cache/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && "$here/../../tests/host/debget" source "lwip=$version") >&2 8>&- ||
        die "cannot fetch the source package lwip $version; if the mirror has dropped it, set CHAOS_MIRROR to one that has it"
    echo "$sha256  $work/$tarball" | sha256sum --quiet -c - >&2 ||
        die "$tarball does not have the sha256 that is written here"
    mkdir "$work/tree"
    tar -xf "$work/$tarball" -C "$work/tree" --strip-components=1
    rm -rf "${cache:?}/$sha256"
    mv "$work/tree" "$cache/$sha256"
fi
echo "$cache/$sha256"
