# SPDX-License-Identifier: BSD-3-Clause
# kill -9 at every system call of create and of destroy: no running guest is lost, and the next command
# clears up what was half made.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
check "a guest that must survive" create_daytime keep 2
check "it answers" wait_for 5 answers_ping 2

make_victim() {
    chaos create "$GUESTS/daytime.cfg" name=victim 'cmdline="ip=10.0.0.9/24"' > /dev/null
}

alive=2 # with Domain-0
basis
sweep "create of a guest without a network" true chaos create "$GUESTS/noop.cfg" name=victim
sweep "create of a guest with one" true chaos create "$GUESTS/daytime.cfg" name=victim 'cmdline="ip=10.0.0.9/24"'
sweep "destroy" make_victim chaos destroy victim
check "the guest that must survive answers" answers_ping 2
leakcheck
check "destroy" chaos destroy keep
finish
