# SPDX-License-Identifier: BSD-3-Clause
# A guest moves between two hosts that share nothing but a network, which is late, slow, or gone when it matters most.
# network: a b
# shellcheck source=tests/whole/lib.sh
. "$WHOLE/lib.sh"
# shellcheck source=tests/whole/network.sh
. "$WHOLE/network.sh"
# shellcheck source=tests/whole/migrate.sh
. "$WHOLE/migrate.sh"
A=10.0.0.1
B=10.0.0.2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

set_up() { # NAME ADDRESS
    local name=$1 address=$2
    mkdir "$scratch/$name"
    (cd "$scratch/$name" && make_certificate ../ours ours "$address")
    "$xenhost" push --name "$(host_named "$name")" "$scratch/ours-ca.pem" "$scratch/$name"/ours.{pem,key} /etc/chaos/
    on "$name" date -s "@$(date +%s)" > /dev/null
    on "$name" eval 'start_host; TIMEOUT=5 configure a '"$address"' xenbr0:xenbr0; start_a; kill $daemon_a; wait $daemon_a; basis; start_a'
}

# One TCP connection of a's dom0 that stays open: what is said comes back.
connect() { # HOST-PART
    coproc line { on a nc -q 0 "10.0.0.$1" 7; }
}

echoes() { # TEXT
    local answer
    echo "$1" >&"${line[1]}" && read -r -t 10 -u "${line[0]}" answer && [ "$answer" = "$1" ]
}

migrations() { # NAME: as "guest role phase"
    on "$1" chaos migrate --list | awk 'NR > 1 { print $1, $3, $4 }'
}

has_migration() { # NAME "GUEST ROLE PHASE"
    [ "$(migrations "$1")" = "$2" ]
}

has_no_migration() {
    [ -z "$(migrations "$1")" ]
}

runs_on() { # NAME GUEST
    on "$1" domain_state "$2" | grep -Eq '^(r-----|-b----|------)$'
}

has_what_it_had() { # NAME: without guests
    check "no migration is left on $1" wait_for 10 has_no_migration "$1"
    check "$1 has what it had" on "$1" eval 'pkill -x chaosd; wait_for 10 eval "! pidof chaosd"; leakcheck'
}

# In dom0. The next migration from here stops chaosd behind its second note, which says that the target may have the guest.
stop_at_decision() {
    strace -f -p "$(pidof chaosd)" -o /dev/null -e trace=renameat -e inject=renameat:signal=STOP:when=2 > /dev/null 2>&1 &
    wait_for 20 grep -q '^TracerPid:.[1-9]' "/proc/$(pidof chaosd)/status"
}

has_stopped() {
    grep -qs '^phase committing' /run/chaos/migrations/*.source && grep -q '^State:.[tT]' "/proc/$(pidof chaosd)/status"
}

go_on() {
    pkill -x strace
    wait_for 20 eval '! pidof strace'
    kill -CONT "$(pidof chaosd)"
}

# Moves a guest, and pulls the cable between the decision of the host that it leaves and GO, which never gets there.
lose_the_decision() { # FROM TO GUEST ADDRESS
    local moving
    on "$1" eval "$(declare -f stop_at_decision); stop_at_decision"
    verdict $? "chaosd is to stop at its decision"
    on "$1" chaos migrate "$3" "$4" > "$scratch/out" 2>&1 &
    moving=$!
    check "it has decided" on "$1" eval "$(declare -f has_stopped); wait_for 100 has_stopped"
    check "all of the guest is there" has_migration "$2" "$3 target loaded"
    cable "$1" --cut
    check "chaosd goes on, without a cable" on "$1" eval "$(declare -f go_on); go_on"
    wait $moving
    check_exit 1 'paused here, and perhaps runs on .*chaos migrate --finish echo' "it is in doubt" sh -c "cat $scratch/out; exit $?"
    check "here" has_migration "$1" "$3 source committing"
    check "and there" has_migration "$2" "$3 target loaded"
}

is_loading() {
    grep -qs '^phase loading' /run/chaos/migrations/*.target
}

received() {
    cat /sys/class/net/eth0/statistics/rx_bytes
}

has_received() { # BYTES
    [ "$(received)" -ge "$1" ]
}

# In dom0: pulls the cable when a part of a guest has come, and not all of it.
cut_in_the_midst() {
    wait_for 40 is_loading && wait_for 40 has_received $(($(received) + 20000)) && ip link set eth0 down && is_loading
}

(cd "$scratch" && make_authority ours)
set_up a $A &
set_up b $B &
wait
check "both hosts serve" eval 'on a chaos stats && on b chaos stats'

note "a late network"
cable a --delay 20
cable b --delay 20 --rate 50
check "create" on a chaos create "$GUESTS/tcpecho.cfg" name=echo 'cmdline="ip=10.0.0.50/24"'
check "it answers ping" on a wait_for 5 answers_ping 50
connect 50
check "it echoes" echoes one
check "there" on a chaos migrate echo $B
check "it runs there" runs_on b echo
check "the connection is open" echoes two
check "and back" on b chaos migrate echo $A
check "the connection is open" echoes three

note "a network that breaks in the midst"
cable b
cable a --rate 0.1
on a chaos migrate echo $B > "$scratch/out" 2>&1 &
moving=$!
check "a part of it has come" on b eval "$(declare -f is_loading received has_received cut_in_the_midst); cut_in_the_midst"
wait $moving
check_exit '[17]' 'silent|cut' "it is given up" sh -c "cat $scratch/out; exit $?"
check "it goes on here" runs_on a echo
check "with its connection" echoes four
check "what had come is gone there" wait_for 10 has_no_migration b
cable a
cable b
check "no migration waits" wait_for 10 has_no_migration a

note "a decision that is not heard"
lose_the_decision a b echo $B
check_exit 1 '--finish' "it cannot be let run here" on a chaos unpause echo
check_exit 1 '--discard' "nor there" on b chaos unpause echo
cable a
on a chaos migrate --finish echo > /dev/null 2>&1 # if chaosd was not quicker
check "they agree once they can talk again" wait_for 60 runs_on b echo
check "the connection is open" echoes five

note "a host that is lost"
check "which has forgotten that it came from elsewhere" wait_for 20 has_no_migration b
lose_the_decision b a echo $A
lose b
check_exit 1 'lost for good' "it cannot be asked" on a chaos migrate --finish echo
check_output 'echo runs here' "the copy is all that there is" on a chaos migrate --finish --force echo
check "it runs here" runs_on a echo
check "the connection is open" echoes six
check "that it came is forgotten" on a chaos migrate --finish --force echo
eval "exec ${line[1]}>&-"
check "shutdown" on a chaos shutdown -w -t 10 echo
has_what_it_had a
finish
