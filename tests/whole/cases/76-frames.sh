#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Frames of all kinds to the mirror guest and back, its first slot cut in odd places.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh

start_host
check "the first one, for what Xen keeps from then on" chaos create "$GUESTS/mirror.cfg"
check "destroy" chaos destroy mirror
basis
for split in 0 1 13 14 20 33 60; do
    check "a mirror, cut at $split" chaos create "$GUESTS/mirror.cfg" "cmdline=\"split=$split\""
    vif=vif$(chaos domid mirror).0
    check "large frames" ip link set "$vif" mtu 9000
    check "it is ready" wait_for 5 console_shows mirror ready
    check "all frames come back" sh -c \
        "python3 /root/tests/mirror_check.py $vif > /tmp/tap; status=\$?; grep -A1 '^not ok' /tmp/tap; exit \$status"
    check "destroy" chaos destroy mirror
done
leakcheck
finish
