#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# xendevd with real netlink in a network namespace of its own; veth links stand for vifs.
# usage: test_xendevd.sh XENDEVD-FOR-TESTS XENDEVD-OVERFLOWING
# shellcheck disable=SC2317 # helpers are called through check and eventually
set -u

daemon=$1
overflowing=$2
if [ "${3-}" != inside ]; then
    if ! unshare -n ip link add probe type veth 2>/dev/null; then
        echo "SKIP: no network namespace with veth links here (needs root, unshare, ip)"
        exit 77
    fi
    exec unshare -n "$0" "$daemon" "$overflowing" inside
fi

dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
failed=0

check() { # description, command...
    description=$1
    shift
    if "$@"; then
        echo "ok: $description"
    else
        echo "FAILED: $description"
        tail -n 5 "$dir/log" 2>/dev/null
        failed=1
    fi
}

eventually() { # command... becomes true within 5 s
    for _ in $(seq 100); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}

is_on() { # link, bridge: it is a port of the bridge and up
    ip -o link show dev "$1" up 2>/dev/null | grep -q "master $2 "
}

is_bare() { # link: neither on a bridge nor up
    ! ip -o link show dev "$1" | grep -qE 'master|[<,]UP[,>]'
}

ports_of() { ip -o link show master "$1" 2>/dev/null | grep -c ' vif'; }

# As many vifs as that on a bridge and its parts together, none with more than some.
is_spread() { # bridge, vifs, at most on each
    total=0
    for bridge in $(ip -o link show type bridge | sed -n "s/^[0-9]*: \($1\(-[0-9]*\)\{0,1\}\): .*/\1/p"); do
        here=$(ports_of "$bridge")
        [ "$here" -le "$3" ] || return 1
        total=$((total + here))
    done
    [ "$total" = "$2" ]
}

parts_of() { ip -o link show type bridge | grep -c ": $1-[0-9]*:"; }
has_parts() { [ "$(parts_of "$1")" = "$2" ]; }

logged() { grep -q "$1" "$dir/log"; }
add() { ip link add "$1" type veth; }

# An ARP request for 10.9.0.1 through this link gets one answer, with the address of the bridge.
answered_once() { # link, bridge
    python3 - "$1" "$(ip -o link show "$2" | sed 's/.*ether \([^ ]*\) .*/\1/')" <<'END'
import socket, sys
ARP, REPLY = 0x0806, 2
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP))
s.bind((sys.argv[1], ARP))
s.settimeout(0.5)
mac, ip = b"\2\0\0\0\0\7", bytes((10, 9, 0, 7))
s.send(b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + ip + bytes(6) + bytes((10, 9, 0, 1)))
answers = []
try:
    while True:
        frame = s.recv(64)
        if frame[21] == REPLY:
            answers.append(frame[22:28].hex(":"))
except TimeoutError:
    pass
sys.exit(answers != [sys.argv[2]])
END
}

is_ready() { [ "$(cat "$dir/pid" 2>/dev/null)" = "$pid" ]; }

start() { # options
    "$daemon" -v -p "$dir/pid" "$@" 2>>"$dir/log" &
    pid=$!
    eventually is_ready
}

stop() {
    kill "$pid"
    wait "$pid"
    status=$?
    pid=
    return "$status"
}

ip link add br0 type bridge
ip link add br1 type bridge
ip link set br0 up

add vif1.0-br0
"$daemon" --once -p "$dir/pid"
check "--once handles the links that are there" is_on vif1.0-br0 br0
check "--once leaves no pid file" test ! -e "$dir/pid"

add vif2.0-br0
check "starts and writes the pid file" start
check "the pid file holds the pid" test "$(cat "$dir/pid")" = "$pid"
check "handles a link that was there before it" is_on vif2.0-br0 br0
add vif3.0-br0
check "handles a new link" eventually is_on vif3.0-br0 br0
add vif3.1-br1
check "uses the bridge that is asked for" eventually is_on vif3.1-br1 br1

add other0
add vif9x
add vif4.0-br0
eventually is_on vif4.0-br0 br0
check "leaves links alone that are none of its own" is_bare other0
check "leaves links alone that only look like it" is_bare vif9x

add vif5.0-nobr
check "logs a missing bridge" eventually logged "vif5.0-nobr: cannot be put on bridge 'nobr': no such bridge"
check "does not bring such a link up" is_bare vif5.0-nobr
add vif5.1-other0
check "logs a bridge that is none" eventually logged "vif5.1-other0: cannot be put on bridge 'other0': it is not a bridge"

ip link set br1 down
ip link set br1 name br2
ip link add br1 type bridge
add vif6.0-br1
check "a renamed bridge is not taken for its namesake" eventually is_on vif6.0-br1 br1

ip link set vif1.0-br0 down nomaster
kill -HUP "$pid"
check "SIGHUP looks at all links again" eventually is_on vif1.0-br0 br0

add vif7.0-br0
ip link del vif7.0-br0
for i in $(seq 200); do echo "link add vif8.$i-br0 type veth"; done | ip -b -
check "handles 200 links at once" eventually is_spread br0 204 100

check "a second daemon refuses to start" \
    sh -c "\"$daemon\" -p $dir/pid 2>$dir/second; [ \$? = 1 ] && grep -q 'already running (pid $pid)' $dir/second"

kill -STOP "$pid"
for i in $(seq 300); do echo "link add vif10.$i-br1 type veth"; done | ip -b -
kill -CONT "$pid"
check "catches up after a stop" eventually is_spread br1 302 100

check "stops on SIGTERM with status 0" stop
check "removes the pid file" test ! -e "$dir/pid"

start
kill -9 "$pid"
wait "$pid" 2>/dev/null
ip link add br6 type bridge
add vif11.0-br6
check "starts again after it was killed" start
check "handles what came meanwhile" is_on vif11.0-br6 br6
stop

ip link add br5 type bridge
ip link set br5 up mtu 9000
start --vifs-per-bridge=10
for i in $(seq 35); do echo "link add vif20.$i-br5 type veth"; done | ip -b -
check "spreads vifs over parts of a bridge" eventually is_spread br5 35 10
check "over as many as are needed" eventually has_parts br5 3
check "parts have the MTU of the bridge" sh -c "ip -o link show br5-1u | grep -q 'mtu 9000 .*master br5 '"
check "and are up" sh -c "ip -o link show br5-3 up | grep -q ,UP"
ip address add 10.9.0.1/24 dev br5
ip link add asking type veth peer name asked
ip link set asked up master br5-1
ip link set asking up
check "only the bridge itself answers for dom0's addresses" eventually answered_once asking br5
ip link del asking
kill -9 "$pid"
wait "$pid" 2>/dev/null
ip link add br5-9 group 1868654691 type bridge
ip link add br5-9u group 1868654691 type veth peer name br5-9d group 1868654691
start --vifs-per-bridge=10
check "removes what it was killed over" sh -c '! ip link show br5-9 2>/dev/null && ! ip link show br5-9u 2>/dev/null'
for i in $(seq 36 40); do echo "link add vif20.$i-br5 type veth"; done | ip -b -
check "finds its parts again" eventually is_spread br5 40 10
check "makes one ahead when all are full" eventually has_parts br5 4
kill -HUP "$pid"
add vif20.41-br5
check "leaves vifs where they are" eventually is_spread br5 41 10
for i in $(seq 5 41); do echo "link del vif20.$i-br5"; done | ip -b -
check "removes parts that are empty" eventually has_parts br5 0
check "and their links" sh -c '! ip -o link show | grep -q "br5-[0-9]"'
add vif20.50-br5
check "goes on with the bridge itself" eventually is_on vif20.50-br5 br5
stop
good=$daemon
daemon=$overflowing
start
kill -STOP "$pid"
for i in $(seq 100); do echo "link add vif13.$i-br2 type veth"; done | ip -b -
kill -CONT "$pid"
check "looks at all links after events were lost" eventually is_spread br2 100 100
check "says that events were lost" logged "events were lost"
stop
daemon=$good

python3 - "$dir/notify" >"$dir/ready" <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(10)
print(s.recv(64).decode(), flush=True)
END
eventually test -S "$dir/notify"
NOTIFY_SOCKET=$dir/notify
export NOTIFY_SOCKET
start
check "tells the service manager that it is ready" eventually grep -qx READY=1 "$dir/ready"
unset NOTIFY_SOCKET
stop

"$daemon" -D -p "$dir/pid" 2>>"$dir/log"
check "-D returns when it is ready" test -s "$dir/pid"
pid=$(cat "$dir/pid")
add vif12.0-br6
check "-D: works in the background" eventually is_on vif12.0-br6 br6
check "-D: a second one fails" sh -c "! \"$daemon\" -D -p $dir/pid 2>/dev/null"
kill "$pid"
pid=
check "-D: stops" eventually test ! -e "$dir/pid"

check "an unknown option is a usage error" sh -c "\"$daemon\" --nonsense 2>/dev/null; [ \$? = 2 ]"
check "an argument is a usage error" sh -c "\"$daemon\" x 2>/dev/null; [ \$? = 2 ]"
check "a full disk under --help is an error" sh -c "! \"$daemon\" --help >/dev/full"
exit $failed
