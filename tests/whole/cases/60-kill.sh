# SPDX-License-Identifier: BSD-3-Clause
# kill -9 at every system call of create and of destroy: no running guest is lost, and the next command
# clears up what was half made.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
check "a guest that must survive" create_daytime keep 2
check "it answers" wait_for 5 answers_ping 2

# trace COMMAND...: its system calls after the start of the program, as "name occurrence".
trace() {
    strace -o /tmp/trace "$@" > /dev/null 2>&1
    awk -F'(' '/^[a-z]/ { count[$1]++; if ($1 != "execve" && $1 != "exit_group") print $1, count[$1] }' /tmp/trace
}

killed_at() { # CALL OCCURRENCE COMMAND...
    local call=$1 occurrence=$2
    shift 2
    strace -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$occurrence" "$@" > /dev/null 2>&1
}

sweep() { # TEXT PREPARE COMMAND...
    local text=$1 prepare=$2 calls=0 bad=0 call occurrence
    shift 2
    $prepare
    trace "$@" > /tmp/calls
    chaos list > /dev/null # whatever is left is cleared
    chaos destroy victim > /dev/null 2>&1
    while read -r call occurrence; do
        calls=$((calls + 1))
        $prepare
        killed_at "$call" "$occurrence" "$@" 2> /dev/null
        chaos create "$GUESTS/noop.cfg" name=next > /dev/null || bad=$((bad + 1))
        chaos destroy next > /dev/null || bad=$((bad + 1))
        chaos destroy victim > /dev/null 2>&1
        if [ "$(chaos list -q | wc -l)" -ne 2 ] || [ -n "$(ls -A /run/chaos/pending)" ]; then
            bad=$((bad + 1))
            note "left after a kill at $call $occurrence: $(chaos list -q | tr '\n' ' ')$(ls /run/chaos/pending)"
        fi
    done < /tmp/calls
    verdict $((bad > 0)) "$text: killed at each of $calls system calls ($bad times something was left)"
    check "there was something to kill" test "$calls" -gt 20
}

make_victim() {
    chaos create "$GUESTS/daytime.cfg" name=victim 'cmdline="ip=10.0.0.9/24"' > /dev/null
}

basis
sweep "create of a guest without a network" true chaos create "$GUESTS/noop.cfg" name=victim
sweep "create of a guest with one" true chaos create "$GUESTS/daytime.cfg" name=victim 'cmdline="ip=10.0.0.9/24"'
sweep "destroy" make_victim chaos destroy victim
check "the guest that must survive answers" answers_ping 2
leakcheck
check "destroy" chaos destroy keep
finish
