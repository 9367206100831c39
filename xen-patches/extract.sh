#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Writes a file that the series adds to Xen, as it is once the whole series is applied.
set -eu

[ $# -eq 2 ] || { echo "usage: extract.sh FILE-IN-XEN OUT" >&2; exit 2; }
file=$1 out=$2
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)

rm -f "$out"
mkdir -p "$(dirname "$out")"
for name in $(sed -e 's/#.*//' "$here/series"); do
    awk -v wanted="b/$file" '/^diff --git / { found = $4 == wanted } found' "$here/$name" >"$out.part"
    [ ! -s "$out.part" ] || patch -s -F0 "$out" "$out.part"
done
rm -f "$out.part"
[ -s "$out" ] || { echo "extract.sh: no patch of the series adds $file" >&2; exit 1; }
