#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# /dev/noxs itself: wrong arguments, all or nothing, hot-plug, 600 cycles, rmmod.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh

insmod /root/noxs.ko || exit 1
basis
check "every check of kmod_check passes" sh -c \
    '/root/tests/kmod_check > /tmp/tap; status=$?; grep -A1 "^not ok" /tmp/tap; exit $status'
leakcheck
check "the module goes when nothing uses it" rmmod noxs
finish
