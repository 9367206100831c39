# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of one chaosd or the other, and cuts of their connection, over the whole of a migration: in the end one
# host runs the guest, or both have it paused and --finish ends that; nothing else is left.
# CASE_ENV=CASE_STEP=500 kills every 500 us instead of every 8,000, and cuts 16 times as often.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/migrate.sh
. /root/migrate.sh
start_host
TIMEOUT=1
two_hosts
step=${CASE_STEP:-8000} # us

start_again() { # NAME
    kill -0 "$daemon_a" 2> /dev/null || start_a
    kill -0 "$daemon_b" 2> /dev/null || start_b
}

# Builtins, since most of this case's time is that of processes.
state_on() { # HOST: sets state
    local name
    state=
    { read -r name && read -r name _ _ _ state _; } < <($1 chaos list victim 2> /dev/null)
}

runs_on() { # HOST
    state_on "$1"
    [[ $state =~ ^(r-----|-b----|------)$ ]]
}

a_note_is_left() {
    compgen -G '/run/chaos*/migrations/*' > /dev/null
}

# Once no migration is noted: sets where, if exactly one of the two has it, and runs it.
find_it() {
    local tries=0
    while a_note_is_left; do
        tries=$((tries + 1))
        [ $tries -le 25 ] || return 1
        sleep 1 # costs nothing, but to look does
    done
    if runs_on ""; then
        where=here
        state_on b
    elif runs_on b; then
        where=there
        state_on ""
    else
        return 1
    fi
    [ -z "$state" ]
}

lost() { # TEXT
    bad=$((bad + 1))
    note "$1: $(chaos list victim 2>&1 | tail -n 1), $(b chaos list victim 2>&1 | tail -n 1)"
    chaos migrate --list | tail -n +2
    b chaos migrate --list | tail -n +2
    note "$(tail -n 3 /tmp/a.log)"
    note "$(tail -n 3 /tmp/b.log)"
    chaos destroy -f victim 2> /dev/null
    b chaos destroy -f victim 2> /dev/null
}

# The guest proves that it runs; then there is none.
end_it() { # WHERE
    if [ "$1" = here ]; then
        chaos shutdown -w -t 5 victim
    else
        b chaos shutdown -w -t 5 victim
    fi
}

make_victim() {
    chaos create "$GUESTS/noop.cfg" name=victim && wait_for 5 console_shows victim '^noop: up'
}

judge() { # TEXT
    local where=
    tries=$((tries + 1))
    if ! find_it || ! end_it "$where"; then
        lost "$1"
    elif [ "$where" = here ]; then
        here=$((here + 1))
    else
        there=$((there + 1))
    fi
}

sleep_us() {
    sleep "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))"
}

sweep_kills() { # TEXT DAEMON...: names of variables
    local text=$1 at=0 bad=0 tries=0 here=0 there=0
    shift
    while [ "$at" -le 35000 ]; do
        make_victim
        chaos migrate victim $B > /dev/null 2>&1 &
        migrating=$!
        sleep_us $at
        for daemon in "$@"; do
            kill -9 "${!daemon}"
            wait "${!daemon}" 2> /dev/null
        done
        wait $migrating
        start_again
        judge "killed after $at us"
        at=$((at + step))
    done
    verdict $bad "$text killed at $tries instants: $here times it went on here, $there times there ($bad times something was wrong)"
    check "it went on in both places" test "$here" -gt 0 -a "$there" -gt 0
}

# Passes connections to port 8010 on to host b. The first one after "DIRECTION BYTES HOW" was written to
# /tmp/plan: once so many bytes have gone in this direction ("up": to the target) nothing more passes; it is
# "cut", or falls "silent". While /tmp/down is there, further connections are refused at once.
cat > /tmp/proxy.py << 'PY'
import os, select, socket, threading, time

listener = socket.create_server(("127.0.0.1", 8010), backlog=16)

def plan():
    try:
        with open("/tmp/plan") as file:
            direction, limit, how = file.read().split()
        os.unlink("/tmp/plan")
        return direction, int(limit), how
    except FileNotFoundError:
        return None

def passes(client, planned):
    direction, limit, how = planned
    server = socket.create_connection(("127.0.0.1", 8003))
    other = {client: server, server: client}
    names = {client: "up", server: "down"}
    passed = {"up": 0, "down": 0}
    while True:
        for ready in select.select([client, server], [], [])[0]:
            name, data = names[ready], b""
            try:
                data = ready.recv(65536)
            except OSError:
                pass
            room = limit - passed[name] if name == direction else len(data)
            passed[name] += len(data)
            try:
                other[ready].sendall(data[:room])
            except OSError:
                pass
            if len(data) > room and how == "silent":
                time.sleep(8)
            if len(data) > room or not data:
                with open("/tmp/passed", "w") as file:
                    print(passed["up"], passed["down"], file=file)
                client.close()
                server.close()
                return

socket.create_connection(("127.0.0.1", 8003)).close() # what Python reads from the disk for it is read now
open("/tmp/proxy.ready", "w").close()
while True:
    client, _ = listener.accept()
    planned = plan()
    if not planned and os.path.exists("/tmp/down"):
        client.close()
    else:
        threading.Thread(target=passes, args=(client, planned or ("", 0, "")), daemon=True).start()
PY

is_loaded_there() {
    grep -qs '^phase loaded' /run/chaos-b/migrations/*.target
}

# Hosts that know each other do without certificates, and so with fewer bytes: places in what comes
# behind the handshake are the same each time only if they do not.
forget_sessions() {
    kill -HUP "$daemon_a"
}

one_cut() { # DIRECTION BYTES HOW HEALED: yes, no, or "forced": by an operator who says that host b is lost
    local status=0
    [ "$2" -lt 3000 ] || forget_sessions
    [ "$1" = up ] || forget_sessions
    make_victim
    echo "$1 $2 $3" > /tmp/plan
    [ "$4" = yes ] || : > /tmp/down
    chaos migrate victim 127.0.0.1:8010 > /tmp/out 2>&1 || status=$?
    if [ -e /tmp/down ] && chaos migrate --list | grep -q committing; then
        doubts=$((doubts + 1))
        grep -q 'chaos migrate --finish victim' /tmp/out || lost "no word of --finish: $(cat /tmp/out)"
        chaos unpause victim 2> /dev/null && lost "it could be unpaused"
        chaos destroy victim 2> /dev/null && lost "it could be destroyed"
        if [ "$4" = forced ] && is_loaded_there; then
            chaos migrate --finish victim > /dev/null 2>&1 && lost "it was finished without the other host"
            [ "$(chaos migrate --finish --force victim 2>&1)" = "victim runs here" ] || lost "it was not forced"
            runs_on "" && forced=$((forced + 1))
        fi
        rm -f /tmp/down
        [ "$4" = forced ] || wait_for 5 chaos migrate --finish victim || lost "--finish: $(chaos migrate --finish victim 2>&1)"
    fi
    rm -f /tmp/down
    judge "$3 after $2 bytes $1, status $status"
    rm -f /tmp/plan
}

sweep_cuts() { # DIRECTION HOW HEALED BYTES...
    local direction=$1 how=$2 healed=$3 bad=0 tries=0 here=0 there=0 bytes
    shift 3
    for bytes in "$@"; do
        one_cut "$direction" "$bytes" "$how" "$healed"
    done
    verdict $bad "$how $direction, at $tries places: $here times it went on here, $there times there ($bad times something was wrong)"
}

numbers() { # FROM TO STEP
    seq "$1" "$((($3 * step + 7999) / 8000))" "$2"
}

# While a process waits for the disk this host's clock jumps to the next timer, which may be that of a
# time-out: all that a migration reads is read first.
make_victim
chaos migrate victim $B && end_it there || end_it here
sweep_kills "the source's chaosd" daemon_a

# From here on guests that go to host b come into shells, of which one more is to be made each time.
restart_b() {
    kill $daemon_b
    wait $daemon_b
    start_b
}
printf '[pool noop]\nlow = 1\nhigh = 1\nmemory = 1\n' >> /etc/chaos/b.conf
restart_b
check "host b has a shell" wait_for 5 has_shells 1
sweep_kills "the target's chaosd" daemon_b
sweep_kills "both" daemon_a daemon_b

python3 /tmp/proxy.py &
proxy=$!
wait_for 5 test -e /tmp/proxy.ready
forget_sessions
make_victim
check "through a proxy" chaos migrate victim 127.0.0.1:8010
check "and back" b chaos migrate victim $A
check "shutdown" chaos shutdown -w -t 5 victim
read -r up down < /tmp/passed
note "$up bytes up, $down down"
check "it passed through" test "$up" -gt 10000 -a "$down" -gt 500
doubts=0 forced=0
# shellcheck disable=SC2046
{
    sweep_cuts up cut yes $(numbers 0 3000 700) $((up / 2)) $(numbers $((up - 400)) "$up" 70)
    sweep_cuts down cut yes $(numbers 0 "$down" 250) $(numbers $((down - 250)) "$down" 40)
    sweep_cuts down cut no $(numbers $((down - 250)) "$down" 30)
    sweep_cuts up cut forced $(numbers $((up - 100)) $((up - 60)) 15)
    sweep_cuts up silent yes 0 1500 $((up / 2)) $(numbers $((up - 200)) "$up" 90)
    sweep_cuts down silent no $(numbers $((down - 250)) "$down" 80)
}
check "it was in doubt at times ($doubts)" test $doubts -gt 0
check "and went on when host b was said to be lost ($forced)" test $forced -gt 0
kill $proxy
check "guests came into shells" test "$(pool_sum hits)" -gt 10
sed -i '/pool noop/,$d' /etc/chaos/b.conf
restart_b
both_are_clean
stop_both
finish
