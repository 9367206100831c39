#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds the hypervisor: fetches the source package named in BASE, checks it, applies every patch
# of `series` without fuzz, builds, and copies the ELF that QEMU and GRUB load to OUT.
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
cache=${CHAOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaos}
jobs=${JOBS:-2}

die() {
    echo "xen-patches/build.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || die "usage: build.sh OUT (the ELF is written there)"
out=$1
base() { awk -v kind="$1" -v field="$2" '$1 == kind { print $field }' "$here/BASE"; }
package=$(base package 2)
version=$(base package 3)
work=$cache/xen-src/$version
tree=$work/tree
mkdir -p "$work/download"

exec 8>"$work/lock"
flock 8

check_downloads() {
    for kind in orig debian dsc; do
        echo "$(base $kind 3)  $work/download/$(base $kind 2)"
    done | sha256sum --quiet -c - 2>/dev/null
}

if ! check_downloads; then
    echo "fetching $package $version"
    if ! (cd "$work/download" && "$here/../tests/host/debget" source "$package=$version"); then
        offered=$("$here/../tests/host/debget" versions "$package" | awk '{ print $3 }' | sort -u | tr '\n' ' ')
        die "the mirror has no source package $package $version (it offers: $offered);" \
            "set CHAOS_MIRROR to a mirror that has it, such as snapshot.debian.org"
    fi
    check_downloads || die "$work/download: a file does not have the sha256 in xen-patches/BASE; remove it and try again"
fi

unpack() {
    rm -rf "$tree"
    (cd "$work" && dpkg-source --no-check -x "download/$(base dsc 2)" tree)
    mkdir "$tree/.applied"
}

series() { [ ! -e "$here/series" ] || sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/series"; }

# The tree keeps a copy of what was applied, so that a changed patch costs a partial build only.
revert_from() {
    for done in $(find "$tree/.applied" -type f | sort -r); do
        number=$(basename "$done" | cut -d- -f1)
        if [ "$((1$number))" -ge "$((1$1))" ]; then
            patch -d "$tree" -p1 -R -F0 -s -f <"$done" || return 1
            rm "$done"
        fi
    done
}

apply_series() {
    index=0
    same=1
    for name in $(series); do
        index=$((index + 1))
        number=$(printf '%04d' $index)
        kept=$tree/.applied/$number-$(basename "$name")
        if [ $same -eq 1 ] && cmp -s "$here/$name" "$kept"; then
            continue
        fi
        if [ $same -eq 1 ]; then
            same=0
            revert_from "$number" || return 1
        fi
        echo "applying $name"
        patch -d "$tree" -p1 -F0 -f <"$here/$name" || return 2
        cp "$here/$name" "$kept"
    done
    [ $same -eq 0 ] || revert_from "$(printf '%04d' $((index + 1)))"
}

[ -d "$tree/.applied" ] || unpack
if ! apply_series; then
    unpack
    apply_series || die "the series does not apply to $package $version; see the rejected hunk above"
fi

make -C "$tree/xen" defconfig
make -C "$tree/xen" -j"$jobs" debug=n
cp "$tree/xen/xen" "$out"
