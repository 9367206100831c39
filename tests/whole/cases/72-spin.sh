# SPDX-License-Identifier: BSD-3-Clause
# host: --plain
# Guests that never sleep. On a deterministic host processors take turns, and the emulator ends a turn at each access to a
# device, setting a timer among them: dom0's, which does so, can stand still beside one that only computes. So this needs
# a plain one.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
check "a neighbour" create_daytime neighbour 2
check "it answers" wait_for 20 answers_ping 2
basis
check "create" chaos create "$GUESTS/spin.cfg"
check "the neighbour answers" wait_for 20 answers_ping 2
check "it burns its processor" wait_for 20 sh -c 'test "$(chaos list spin | awk "NR == 2 { print (\$NF > 0.5) }")" = 1'
check_exit 7 'spin.*did not shut down' "it does not hear a shutdown" chaos shutdown -w -t 3 spin
check "destroy" chaos destroy spin
check "chatty: create" chaos create "$GUESTS/chatty.cfg"
check "chatty: it is not blocked by its console" wait_for 10 console_shows chatty .
check "chatty: shutdown works" chaos shutdown -w -t 20 chatty
check "the neighbour answers" answers_ping 2
leakcheck
check "destroy" chaos destroy neighbour
finish
