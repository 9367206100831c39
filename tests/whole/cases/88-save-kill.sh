# SPDX-License-Identifier: BSD-3-Clause
# kill -9 at every second system call of save and of restore (fewer on XenStore): the guest runs, or is in a file that is
# whole; nothing else is left.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh
start_host
more=() # lines of the victim's configuration
mkdir /dev/shm/saved && cd /dev/shm/saved || exit 1

runs() {
    wait_for 5 answers_ping 9
}

make_victim() {
    chaos create "$GUESTS/daytime.cfg" name=victim 'cmdline="ip=10.0.0.9/24"' "${more[@]}" > /dev/null && runs
}

lost() { # CALL OCCURRENCE
    note "after a kill at $1 $2: $(chaos list -q | tr '\n' ' ')$(find . /run/chaos/pending -type f | tr '\n' ' ')"
    bad=$((bad + 1))
}

# The next command clears up what there is to be cleared: also a guest that was asked to suspend itself
# and has done so since.
clear_up() {
    sleep 0.1
    if ! chaos create "$GUESTS/noop.cfg" name=next > /dev/null || ! chaos destroy next > /dev/null; then
        bad=$((bad + 1))
    fi
}

something_is_left() {
    [ -n "$(find /run/chaos/pending -type f)" ]
}

# In a file that is whole, unless it runs.
is_saved() {
    chaos verify victim.ck > /dev/null && chaos restore victim.ck
}

# After the kill the next command clears up; then the guest runs, or is to be restored.
sweep_save() { # STRIDE OPTION...
    local calls=0 bad=0 call occurrence stride=$1
    shift
    make_victim
    trace chaos save "$@" victim victim.ck | awk "NR % $stride == 0" > /tmp/calls
    rm -f victim.ck
    chaos destroy victim > /dev/null 2>&1
    make_victim
    while read -r call occurrence; do
        calls=$((calls + 1))
        killed_at "$call" "$occurrence" chaos save "$@" victim victim.ck
        clear_up
        if ! chaos domid victim > /dev/null 2>&1; then
            is_saved || lost "$call" "$occurrence"
        fi
        runs || lost "$call" "$occurrence"
        rm -f victim.ck
        if something_is_left || [ -n "$(find . -type f)" ]; then
            lost "$call" "$occurrence"
            find . -type f -delete
        fi
    done < /tmp/calls
    verdict $((bad > 0)) "save $*: killed at each of $calls system calls ($bad times something was wrong)"
    check "there was something to kill" test "$calls" -gt 10
    check "destroy" chaos destroy victim
}

sweep_restore() { # STRIDE
    local calls=0 bad=0 call occurrence
    make_victim
    chaos save victim victim.ck
    trace chaos restore victim.ck | awk "NR % $1 == 0" > /tmp/calls
    chaos destroy victim > /dev/null 2>&1
    while read -r call occurrence; do
        calls=$((calls + 1))
        killed_at "$call" "$occurrence" chaos restore victim.ck
        clear_up
        chaos destroy victim > /dev/null 2>&1
        if something_is_left || [ "$(chaos list -q | wc -l)" -ne 1 ]; then
            lost "$call" "$occurrence"
        fi
    done < /tmp/calls
    verdict $((bad > 0)) "restore: killed at each of $calls system calls ($bad times something was left)"
    check "there was something to kill" test "$calls" -gt 10
    rm -f victim.ck
}

basis
sweep_save 6 -c
sweep_save 2
sweep_restore 2
clear_up
leakcheck

note "on XenStore"
start-xenstored > /dev/null 2>&1
basis
store_state > /tmp/before
more=('bus="xenstore"' memory=4)
sweep_save 16
sweep_restore 16
clear_up
store_state > /tmp/after
check "no node, netdev or back-end is left" diff /tmp/before /tmp/after
leakcheck
finish
