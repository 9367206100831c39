# SPDX-License-Identifier: BSD-3-Clause
# host: --mem 6
# More vifs than a bridge has ports: xendevd spreads them, and all of them are one network.
# Quick by default, with 120 vifs on bridges of 10; VIFS=1100 for the long form, which takes some minutes.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
vifs=${VIFS:-120}
each=$([ "$vifs" -gt 1000 ] && echo 100 || echo 10)
insmod /root/noxs.ko || exit 1

restart_xendevd() {
    xendevd "--vifs-per-bridge=$each" > /tmp/xendevd.log 2>&1 &
    export xendevd_pid=$!
    wait_for 5 test -s /run/xendevd.pid
}

address() { # N
    echo "10.1.$(($1 / 250)).$(($1 % 250 + 2))"
}

create() { # N
    chaos create "$GUESTS/daytime.cfg" "name=v$1" "cmdline=\"ip=$(address "$1")/16\"" ||
        verdict 1 "create v$1"
}

silent() { # how many of the guests FROM .. TO do not answer
    local n count=0
    for n in $(seq "$1" "$2"); do
        ping -q -c 1 -W 2 "$(address "$n")" > /dev/null || count=$((count + 1))
    done
    echo "$count"
}

counts() { # of all vifs: the name, and how many packets their guests got
    grep -H . /sys/class/net/vif*/statistics/tx_packets | tr : ' ' | sort
}

got() { # COUNT: that many packets for each guest since counts > /tmp/before
    counts | join /tmp/before - | awk -v count="$1" -v vifs="$vifs" \
        '$3 - $2 != count { bad++; print $1 " got " $3 - $2 } END { exit bad || NR != vifs }'
}

through_parts() { # packets that went from the whole bridge to one of its parts
    cat /sys/class/net/xenbr0-*u/statistics/tx_packets | awk '{ n += $1 } END { print n }'
}

send_frame() { # FROM-THE-TYPE-ON: a broadcast of dom0's, in hexadecimal digits
    python3 -c 'import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("xenbr0", 0))
s.send(bytes.fromhex("ffffffffffff020000000001" + sys.argv[1]).ljust(60, b"\0"))' "$1"
}

announce() { # ADDRESS, in hexadecimal digits
    send_frame "08060001080006040001020000000001${1}000000000000$1"
}

ports() { # BRIDGE
    find "/sys/class/net/$1/brif/" -name 'vif*' | wc -l
}

# Dom0 talks to all of them: its table of neighbours ends at 1,024 otherwise.
sysctl -q -w net.ipv4.neigh.default.gc_thresh3=16384 net.ipv4.neigh.default.gc_thresh2=8192
ip address add 10.1.255.1/16 dev xenbr0
restart_xendevd
basis
links=$(ip -o link | wc -l)
note "$vifs guests"
for n in $(seq $((vifs / 2))); do
    create "$n"
done
note "xendevd is killed and started again half-way"
kill -9 "$xendevd_pid"
restart_xendevd
for n in $(seq $((vifs / 2 + 1)) "$vifs"); do
    create "$n"
done
most=0
total=0
for bridge in /sys/class/net/*/brif; do
    here=$(ports "$(basename "$(dirname "$bridge")")")
    total=$((total + here))
    [ "$here" -le "$most" ] || most=$here
done
check "all vifs are on a bridge" test "$total" -eq "$vifs"
check "none has more than $each ($most)" test "$most" -le "$each"
check "all guests answer" test "$(silent 1 "$vifs")" -eq 0
ip neigh flush dev xenbr0
received() { # of guest 1, in packets
    cat "/sys/class/net/vif$(chaos domid v1).0/statistics/tx_packets"
}
before=$(received)
check "a guest at the far end answers who has to ask for it" ping -q -c 1 -W 2 "$(address "$vifs")"
check "which does not wake the others" test "$(received)" = "$before"
check "big packets pass" ping -q -c 2 -i 0.1 -W 1 -s 1400 "$(address "$vifs")"
check "it tells the time" sh -c "timeout 5 nc -w 3 $(address "$vifs") 13"
move() { # it announces itself to a dom0 that knows it, from a part
    chaos save "v$vifs" /tmp/v.ck && chaos restore /tmp/v.ck && sleep 0.2
}
check "a guest is saved and restored" move
check "and answers again" ping -q -c 1 -W 2 "$(address "$vifs")"
note "broadcasts reach whom they concern, once"
parts=$(through_parts)
ip neigh flush dev xenbr0 # dom0 would ask again whether those it spoke to are there
counts > /tmp/before
send_frame 88b5
check "every guest gets one of dom0's" got 1
counts > /tmp/before
announce 0a01ff01
check "every guest gets an announcement of the address that all remember" got 1
counts > /tmp/before
announce 0a01fe00 # its bit in the first table of peers is the same, that in the second is not
check "no guest gets one of an address that none remembers" got 0
counts > /tmp/before
chaos create "$GUESTS/daytime.cfg" name=asking "cmdline=\"ip=dhcp\"" || verdict 1 "create asking"
sleep 0.5
chaos pause asking # it asks again and again
asking=/sys/class/net/vif$(chaos domid asking).0
sent=$(cat "$asking/statistics/rx_packets")
check "a guest asks all for an address ($sent times)" test "$sent" -gt 0
check "every other guest gets that" got "$sent"
check "it itself does not" test "$(cat "$asking/statistics/tx_packets")" -eq 0
check "no broadcast went through the bridge of a part" test "$(through_parts)" = "$parts"
check "destroy" chaos destroy asking
note "a hub less: the bridge floods as before"
hub=$(ip -o link show type noxshub | sed -n 's/^[0-9]*: \([^@:]*\).* master xenbr0 .*/\1/p')
check "the bridge itself has a hub" test -n "$hub"
ip link del "$hub"
ip neigh flush dev xenbr0
check "guests on it answer" ping -q -c 1 -W 2 "$(address 1)"
check "guests on its parts, too" ping -q -c 1 -W 2 "$(address "$vifs")"
kill -HUP "$xendevd_pid"
check "xendevd puts a hub there again" wait_for 5 ip link show "$hub"
check "destroy all" sh -c 'chaos destroy $(chaos list -o name)'
no_links_left() {
    [ "$(ip -o link | wc -l)" -eq "$links" ]
}
check "parts and hubs go" wait_for 20 no_links_left
SLACK_KIB=2048 leakcheck # Xen's heap grew by the bookkeeping of so many
finish
