#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# /dev/noxs itself: wrong arguments, all or nothing, hot-plug, CONFIGURE, 600 cycles, rmmod.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh

insmod /root/noxs.ko || exit 1
basis
check "every check of kmod_check passes" sh -c \
    '/root/tests/kmod_check > /tmp/tap; status=$?; grep -A1 "^not ok" /tmp/tap; exit $status'
leakcheck
check "every check of configure_check passes" sh -c \
    '/root/tests/configure_check > /tmp/tap; status=$?; grep -A1 "^not ok" /tmp/tap; exit $status'
start_xendevd
check "a guest" create_daytime a 2
check "it is connected" wait_for 5 answers_ping 2
check "what is connected is not configured again" /root/tests/configure_check "$(chaos domid a)"
check "it answers as before" answers_ping 2
check "destroy it" chaos destroy a
check "a guest that obeys" chaos create "$GUESTS/noop.cfg"
check "one that ignores" chaos create "$GUESTS/deaf.cfg"
check "both run" wait_for 5 console_shows deaf up
check "every check of sysctl_check passes" sh -c \
    '/root/tests/sysctl_check $(chaos domid noop) $(chaos domid deaf) > /tmp/tap; status=$?; grep -A1 "^not ok" /tmp/tap; exit $status'
check "destroy them" chaos destroy noop deaf
leakcheck
check "the module goes when nothing uses it" rmmod noxs
finish
