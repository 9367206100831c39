# SPDX-License-Identifier: BSD-3-Clause
# host: --plain --smp
# dom0 has two processors: commands, chaosd, xendevd, and the module's back-ends do things at the same time. Guests come,
# are talked to, suspended and destroyed by four who know nothing of each other.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
basis
ROUNDS=${CASE_ROUNDS:-2}

one_life() { # NAME HOST-PART
    create_daytime "$1" "$2" || return
    wait_for 20 answers_ping "$2" || { echo "$1 does not answer"; return 1; }
    chaos save -c "$1" "/dev/shm/$1" || return
    wait_for 20 answers_ping "$2" || { echo "$1 does not answer after save -c"; return 1; }
    chaos pause "$1" && chaos unpause "$1" || return
    ip link set "vif$(chaos domid "$1").0" down # while it may send
    chaos destroy "$1"
}

lives() { # NAME HOST-PART
    local round
    for ((round = 1; round <= ROUNDS; round++)); do
        one_life "$1" "$2" || return
    done
}

at_once() { # four of them; each says what went wrong
    local n pid pids=() bad=0
    for n in 1 2 3 4; do
        lives "w$n" "1$n" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || bad=$((bad + 1))
    done
    return $bad
}

check "dom0 has two processors" test "$(nproc)" -eq 2
check "four times $ROUNDS lives, without chaosd" at_once
printf '%s\n' '[daemon]' 'shells_on_stop = destroy' '[pool web]' 'memory = 3' 'vif = xenbr0' 'low = 4' > /tmp/chaosd.conf
chaosd -c /tmp/chaosd.conf
check "four times $ROUNDS lives, through chaosd" at_once
kill "$(pidof chaosd)"
check "chaosd ends" wait_for 30 sh -c '! pidof chaosd'
rm -rf /dev/shm/w? /run/chaos/chaosd.*
wait_for 30 sh -c '! ip -o link | grep -q vif'
leakcheck
finish
