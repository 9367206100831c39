# SPDX-License-Identifier: BSD-3-Clause
# host: --plain
# A guest that never sleeps. On a deterministic host its processor and dom0's take turns of many
# milliseconds, which is the emulator's doing; so this needs a plain one.
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
leakcheck
check "destroy" chaos destroy neighbour
finish
