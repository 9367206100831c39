# SPDX-License-Identifier: BSD-3-Clause
# Restores through chaosd: out of its pools and the cold way, one guest of a file and many, files that are no good, and
# kill -9 of chaosd and of the command at any moment. CASE_ENV=CASE_ROUNDS=50 kills it as often.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
cd /dev/shm || exit 1
seed=${CASE_SEED:-$RANDOM}
RANDOM=$seed
note "seed $seed"
fixed_pools '[pool web]' 'memory = 3' 'vif = xenbr0' 'low = 4'

start_daemon() {
    chaosd --foreground -c /tmp/chaosd.conf 2>> /tmp/chaosd.log &
    daemon=$!
    wait_for 5 chaos stats || note "chaosd did not start: $(tail -n 3 /tmp/chaosd.log)"
}

stat_of() { # METRIC: its count
    chaos stats | awk -v name="$1" '$1 == name { print $2 }'
}

# The count of METRIC grows by one while COMMAND... succeeds.
counted() {
    local metric=$1 before
    shift
    before=$(stat_of "$metric")
    "$@" && [ "$(stat_of "$metric")" -eq $((before + 1)) ]
}

pool_is() { # LEVEL
    [ "$(chaos pool 2> /dev/null | awk '$1 == "web" { print $6 }')" = "$1" ]
}

uuid_and_mac_of() { # NAME...: both, a line each
    for name in "$@"; do
        grep -ao -e 'mac=[0-9a-f:]*' -e '^uuid [0-9a-f-]*' "/run/chaos/domains/$name" | sort -u
    done
}

basis
check_exit 9 'does not answer' "restore --daemon without chaosd" chaos restore --daemon "$GUESTS/noop.elf"
check_exit 3 'No such file' "a file that is not there" chaos restore --daemon nothing.ck
start_daemon
check "the pool is filled" wait_for 5 pool_is 4
check "a guest" chaos create "$GUESTS/tcpecho.cfg" name=echo 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 5 answers_ping 2
connect 2
check "it echoes" echoes one

note "one guest"
check "save" chaos save echo echo.ck
check "restore, out of the pool" counted restore_warm chaos restore echo.ck
check "the connection is open" echoes two
check_output 'restored 1' "its console goes on" chaos logs --tail 1 echo
check "save once more, from a folder of its own" sh -c 'mkdir -p a && cd a && chaos save echo ../echo.ck'
check "restore by a relative path" counted restore_warm sh -c 'cd a && chaos restore ../echo.ck'
check "the connection is open" echoes three
check "save -c" chaos save -c echo echo.ck
check "save --compress" chaos save --compress echo small.ck
check "restore" counted restore_warm chaos restore small.ck
check "the connection is open" echoes four
for name in small-1 small-2 small-3; do # out of memory from the second on
    check "one more of the file" counted restore_warm chaos restore --name $name small.ck 'cmdline="ip=10.0.0.6/24"'
    check "it answers ping" wait_for 5 answers_ping 6
    chaos destroy $name
done
check "its size is less than half" test "$(stat -c %s small.ck)" -lt $(($(stat -c %s echo.ck) / 2))
check_exit 4 'exists already: give another name' "a name that is taken" chaos restore echo.ck
exec 7>&-
check "it costs no shell" wait_for 5 pool_is 4
check "restore without the daemon, beside it" chaos restore --no-daemon --name alone echo.ck 'cmdline="ip=10.0.0.3/24"'
check "it answers ping" wait_for 5 answers_ping 3
check "what no shell has is made the cold way" counted restore_cold \
    chaos restore --name bare echo.ck 'vif=[]'
check_output '"total"' "times" chaos restore --timing=json --name timed echo.ck 'cmdline="ip=10.0.0.4/24"'
check_output 'did you mean .memory' "warnings come through" \
    chaos restore -p --name warned echo.ck memroy=3 'cmdline="ip=10.0.0.5/24"'
check_output '^--p---$' "paused, it is paused" domain_state warned
check_output 'created +warned' "and an event tells of it" chaos events --no-follow --tail 20
check "destroy" chaos destroy echo alone bare timed warned

note "many guests of one file"
check "five" chaos restore -n 5 --name many echo.ck 'cmdline="ip=10.0.0.2{n}/24"'
for i in 1 2 3 4 5; do
    check "many-$i answers ping" wait_for 5 answers_ping "2$i"
done
uuid_and_mac_of many-1 many-2 many-3 many-4 many-5 > ids
check "five uuids, five MACs" test "$(sort -u ids | wc -l)" -eq 10
check_exit 4 'many-5.*exists' "and once more" chaos restore -n 5 --name many echo.ck
check "the same without the daemon" chaos restore --no-daemon -n 2 --name 'few{n}x' echo.ck 'cmdline="ip=10.0.0.3{n}/24"'
check_exit 3 'no domain "few3x"' "there are two" chaos domid few3x
check_exit 8 'may hold only' "a name that is more than a name" chaos restore -n 2 --name 'few{n}" memory="3' echo.ck
check "few2x answers ping" wait_for 5 sh -c "chaos domid few2x && ping -c 1 -W 1 10.0.0.32"
chaos list -o name | xargs chaos destroy
check "several processes at once" sh -c 'for i in 1 2 3 4 5 6; do
    chaos restore --name p$i echo.ck "cmdline=\"ip=10.0.0.4$i/24\"" & pids="$pids $!"
    [ $i -lt 5 ] || chaos restore --no-daemon --name q$i echo.ck "cmdline=\"ip=10.0.0.5$i/24\"" & pids="$pids $!"
done; for pid in $pids; do wait $pid || exit 1; done'
uuid_and_mac_of p1 p2 p3 p4 p5 p6 q5 q6 > ids
check "no uuid and no MAC is there twice" test "$(sort -u ids | wc -l)" -eq 16
check "one of them goes on as itself" test "$(comm -12 <(sort -u ids) <(grep -ao 'uuid="[^"]*' echo.ck |
    sed 's/uuid="/uuid /') | wc -l)" -eq 1
chaos list -o name | xargs chaos destroy

note "files that are no good"
head -c 100000 echo.ck > cut.ck
check_exit 8 'cut.ck": byte [0-9]+: ' "one that is cut off" chaos restore --daemon cut.ck
check "costs one shell, which is replaced" wait_for 5 pool_is 4
check_exit 3 'echo' "and leaves no domain" chaos domid echo
check_exit 8 'no checkpoint' "another file" chaos restore --daemon "$GUESTS/noop.elf"
mkfifo fifo
check_exit 8 'regular file' "a FIFO, which nobody waits for" timeout 5 chaos restore --daemon fifo
cp echo.ck secret.ck && chmod 600 secret.ck
check_exit '[16]' 'Permission denied' "one that the client may not read" \
    setpriv --reuid nobody --clear-groups chaos restore --daemon /dev/shm/secret.ck

note "kills"
destroy_all() {
    chaos list -o name | xargs -r -n 50 chaos destroy
}
# Whoever was told that it is there is, and answers; nothing is half made, and the pool is full.
check_state() { # ROUND
    sort made > told
    chaos list -o name | sort > there
    comm -23 told there > lost
    check "round $1: no guest that was promised is lost" test ! -s lost
    check "nothing is half made" wait_for 5 nothing_is_pending
    check "the pool is full" wait_for 5 pool_is 4
    check "no shell's record is left over" test "$(find /run/chaos/shells -type f | wc -l)" -eq 4
    check "no domain belongs to nobody" test "$(chaos list | grep -c '(null)')" -le 4
}
for ((round = 1; round <= ${CASE_ROUNDS:-6}; round++)); do
    : > made
    for client in 1 2 3; do
        (for i in 1 2 3 4 5 6; do
            chaos restore --daemon --name "k$client-$i" echo.ck "cmdline=\"ip=10.0.1.$client$i/24\"" 2> /dev/null &&
                echo "k$client-$i" >> made
        done) &
    done
    sleep "0.$(printf '%03d' $((RANDOM % 60)))"
    kill -9 "$daemon"
    wait "$daemon" 2> /dev/null
    # shellcheck disable=SC2046
    wait $(jobs -p | grep -vx "$xendevd_pid")
    start_daemon
    check_state "$round"
    destroy_all
done
# The command, at each of its system calls: the guest is there or not, and asking again is good.
killed=0 bad=0
trace chaos restore --daemon --name victim echo.ck > /tmp/calls
chaos destroy victim
while read -r call occurrence; do
    killed=$((killed + 1))
    killed_at "$call" "$occurrence" chaos restore --daemon --name victim echo.ck 2> /dev/null
    sleep 0.05
    chaos domid victim > /dev/null 2>&1 || chaos restore --daemon --name victim echo.ck || bad=$((bad + 1))
    wait_for 5 answers_ping 2 || bad=$((bad + 1))
    chaos destroy victim || bad=$((bad + 1))
done < /tmp/calls
verdict $((bad > 0)) "restore --daemon: killed at each of $killed system calls ($bad times something was wrong)"
check "there was something to kill" test "$killed" -gt 10
check "the pool is full" wait_for 5 pool_is 4

kill "$daemon"
wait "$daemon"
rm -f /run/chaos/chaosd.*
wait_for 60 sh -c '! ip -o link | grep -Eq "vif|xenbr0-"'
SLACK_KIB=512 leakcheck
finish
