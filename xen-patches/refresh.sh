#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Edits the series as commits: `tree` makes a git tree with a commit for each patch,
# `save` writes the commits back as patches.
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
cache=${CHAOS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chaos}

die() {
    echo "xen-patches/refresh.sh: $*" >&2
    exit 1
}

base() { awk -v kind="$1" -v field="$2" '$1 == kind { print $field }' "$here/BASE"; }
series() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/series"; }

# The commit's message is the patch's header, and Patch-Name says which file it came from.
message() {
    awk '/^---$/ { exit } /^From: / { next } { sub(/^Subject: /, ""); print }' "$here/$1"
    echo "Patch-Name: $1"
}

make_tree() {
    dsc=$cache/xen-src/$(base package 3)/download/$(base dsc 2)
    [ -e "$dsc" ] || die "$dsc is missing: build.sh fetches it"
    [ ! -e "$1" ] || die "$1 exists: name a folder that does not"
    dpkg-source --no-check -x "$dsc" "$1"
    cd "$1"
    git init -q
    git config user.name "chaos developers"
    git config user.email ""
    # Xen's own .gitignore leaves out files that Debian's source has.
    git add -A -f .
    git commit -q -m "$(base package 2) $(base package 3)"
    git tag base
    for name in $(series); do
        patch -p1 -F0 -s -f <"$here/$name" || die "$name does not apply without fuzz"
        git add -A
        message "$name" | git commit -q --cleanup=verbatim -F -
    done
    echo "$1: one commit a patch, after tag base; edit (git rebase -i base), then: refresh.sh save $1"
}

write_patch() {
    git log -1 --format='From: chaos developers%nSubject: %s%n%n%b' "$1" |
        sed -e '/^Patch-Name: /d' -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    echo ---
    git diff --stat=80 "$1^" "$1"
    echo
    # Without the index lines, which change whenever the base does.
    git diff --no-color --no-ext-diff --no-renames -U3 "$1^" "$1" | sed '/^index [0-9a-f]*\.\./d'
}

save() {
    cd "$1"
    [ -z "$(git status --porcelain)" ] || die "$1: there are changes that no commit holds"
    new=$(mktemp -d)
    trap 'rm -rf "$new"' EXIT
    for commit in $(git rev-list --reverse base..HEAD); do
        name=$(git log -1 --format=%b "$commit" | sed -n 's/^Patch-Name: //p')
        [ -n "$name" ] || die "commit $commit has no Patch-Name line"
        echo "$name" >>"$new/names"
        write_patch "$commit" >"$new/$name"
    done
    rm -f "$here"/*.patch
    cp "$new"/*.patch "$here"
    series | diff - "$new/names" || die "the commits (>) are not those of series (<): edit series"
}

case ${1-} in
tree | save) [ $# -eq 2 ] || die "usage: refresh.sh tree|save DIR" ;;
*) die "usage: refresh.sh tree|save DIR" ;;
esac
dir=$(realpath -m "$2")
if [ "$1" = tree ]; then make_tree "$dir"; else save "$dir"; fi
