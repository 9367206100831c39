# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of chaosd at random instants under load: no guest is lost, nothing is left half made, no
# shell is used twice, and the pools are back at their levels. CASE_ENV=CASE_ROUNDS=100 kills it as often.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
cat > /tmp/chaosd.conf << 'END'
[daemon]
shells_on_stop = destroy
[pool noop]
memory = 1
low = 8
[pool web]
memory = 3
vif = xenbr0
low = 3
END
basis
seed=${CASE_SEED:-$RANDOM}
RANDOM=$seed
note "seed $seed"

start_daemon() {
    chaosd --foreground -c /tmp/chaosd.conf 2>> /tmp/chaosd.log &
    daemon=$!
}

pool_is() { # NAME LEVEL
    [ "$(chaos pool 2> /dev/null | awk -v name="$1" '$1 == name { print $6 }')" = "$2" ]
}

# Creates and destroys until it is told to stop; notes the guests that it was told are there.
load() { # NUMBER
    local i=0
    while [ ! -e /tmp/stop ]; do
        i=$((i + 1))
        if chaos create --daemon "$GUESTS/noop.cfg" "name=l$1-$i" 2> /dev/null; then
            echo "l$1-$i" >> "/tmp/made.$1"
        fi
        if [ $((i % 3)) -eq 0 ] && chaos create --daemon "$GUESTS/daytime.cfg" "name=w$1-$i" \
            "cmdline=\"ip=10.0.0.$((100 + $1))/24\"" 2> /dev/null; then
            echo "w$1-$i" >> "/tmp/made.$1"
        fi
        if [ $((i % 4)) -eq 0 ]; then
            chaos destroy "l$1-$i" 2> /dev/null
            sed -i "/^l$1-$i\$/d" "/tmp/made.$1"
        fi
    done
}

check_state() {
    sort /tmp/made.* > /tmp/made
    chaos list -o name | sort > /tmp/there
    comm -23 /tmp/made /tmp/there > /tmp/lost
    [ ! -s /tmp/lost ] || note "lost: $(tr '\n' ' ' < /tmp/lost)"
    check "no guest that was promised is lost" test ! -s /tmp/lost
    check "nothing is half made" wait_for 5 nothing_is_pending
    check "the pool of shells is full" wait_for 5 pool_is noop 8
    check "the one with vifs, too" wait_for 5 pool_is web 3
    # Every domain is dom0, a guest with a name, or a shell with a record.
    chaos list | awk 'NR > 1 && $1 == "(null)"' > /tmp/nameless
    check "no domain belongs to nobody" test "$(wc -l < /tmp/nameless)" -le 11
    check "no shell's record is left over" test "$(find /run/chaos/shells -type f | wc -l)" -eq 11
}

for ((round = 1; round <= ${CASE_ROUNDS:-6}; round++)); do
    start_daemon
    wait_for 5 chaos stats
    rm -f /tmp/stop /tmp/made.*
    for client in 1 2 3 4; do
        : > "/tmp/made.$client"
        load "$client" &
    done
    sleep "0.$(printf '%03d' $((RANDOM % 400)))"
    kill -9 "$daemon"
    wait "$daemon" 2> /dev/null
    touch /tmp/stop
    # shellcheck disable=SC2046
    wait $(jobs -p | grep -vx "$xendevd_pid")
    start_daemon
    check "round $round: it starts again" wait_for 5 chaos stats
    check_state
    check "and hands out shells" chaos create --daemon "$GUESTS/noop.cfg" name=next
    chaos list -o name | xargs -r -n 50 chaos destroy
    kill "$daemon"
    wait "$daemon"
done
rm -f /run/chaos/chaosd.*
wait_for 60 sh -c '! ip -o link | grep -Eq "vif|xenbr0-"'
SLACK_KIB=512 leakcheck
finish
