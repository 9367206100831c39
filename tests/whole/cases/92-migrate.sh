# SPDX-License-Identifier: BSD-3-Clause
# Guests move between two chaosd, with their open connections, and what cannot be moved goes on.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/migrate.sh
. /root/migrate.sh
start_host
two_hosts
# Where the bridge of host a has the guest's MAC: behind the cable, or not.
is_behind_cable() { # MAC
    bridge fdb show br xenbr0 | grep -q "^$1 dev cable-a "
}

mac_of() { # HOST-PART
    ip neigh show "10.0.0.$1" | grep -o 'lladdr [^ ]*' | cut -d ' ' -f 2
}

note "without devices"
check "create" chaos create "$GUESTS/noop.cfg"
wait_for 5 console_shows noop '^noop: up'
check "there" chaos migrate noop $B
check_exit 3 noop "it is gone here" chaos domid noop
check_output '^-b----' "it runs there" b domain_state noop
check_output 'migrated-out   noop .*to 127.0.0.1:8003' "told here" chaos events --no-follow
check_output 'migrated-in    noop .*from 127.0.0.1:' "and there" b chaos events --no-follow
check "and back, with times" sh -c "CHAOS_RUN_DIR=/run/chaos-b chaos migrate --timing=json noop $A | python3 -m json.tool"
check "it answers" chaos shutdown -w -t 10 noop
check "one that writes" chaos create "$GUESTS/chatty.cfg" 'cmdline="lines=10"'
check "there" sh -c "sleep 0.5; chaos migrate chatty $B"
sleep 2
check_output 'chatty: 10 lines' "its log goes on there" b chaos logs chatty
check "and destroyed" b chaos destroy chatty
check_output '^Name .*Next try' "no migration waits" chaos migrate --list
check "in JSON" sh -c 'chaos migrate --list -o json | python3 -m json.tool'
both_are_clean

note "with a network"
check "create" chaos create "$GUESTS/tcpecho.cfg" name=echo 'cmdline="ip=10.0.0.2/24"' on_reboot=\"restart\"
check "it answers ping" wait_for 5 answers_ping 2
check "host b keeps shells for such guests" b chaos pool set net --memory 3 --vif xenbr1 --low 1
mac=$(mac_of 2)
connect 2 # not in a subshell
check "it echoes" echoes one
moves=0
for round in 1 2 3 4 5 6 7 8 9 10; do
    chaos migrate echo $B && is_behind_cable "$mac" && echoes "there $round" && moves=$((moves + 1))
    b chaos migrate echo $A && ! is_behind_cable "$mac" && echoes "back $round" && moves=$((moves + 1))
done
check "there and back ten times: the connection is open, and the bridges knew where it was ($moves)" test "$moves" -eq 20
sent() { # COMMAND...: bytes over loopback meanwhile
    local before
    before=$(cat /sys/class/net/lo/statistics/tx_bytes)
    "$@" > /dev/null && echo $(($(cat /sys/class/net/lo/statistics/tx_bytes) - before))
}
plain=$(sent chaos migrate echo $B)
b chaos migrate echo $A
compressed=$(sent chaos migrate --compress echo $B)
check "the connection is open" echoes compressed
check "compressed, $compressed bytes go instead of $plain" test "${compressed:-0}" -gt 0 -a "${compressed:-0}" -lt "$((plain * 9 / 10))"
check "back, live and compressed" b chaos migrate --live --compress echo $A
check "the connection is open" echoes both
exec 7>&-
hits=$(pool_sum hits)
check "there into shells ($hits)" test "$hits" -ge 8
check "which host b gives up" b chaos pool drain
check "all of them" wait_for 5 has_shells 0
check "there" chaos migrate echo $B
check_output 'xenbr1' "on the bridge of that host" b chaos info echo -o json
check "its configuration goes with it: reboot" b chaos reboot -t 20 echo
check "it answers ping" wait_for 5 answers_ping 2
check "shutdown" b chaos shutdown -w -t 10 echo
both_are_clean

note "what is refused, with the guest going on"
check "create" chaos create "$GUESTS/tcpecho.cfg" name=echo 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 5 answers_ping 2
connect 2
check "create one of the same name there" b chaos create "$GUESTS/noop.cfg" name=echo
check_exit 4 'the other host refuses: .*exists' "the name is taken" chaos migrate echo $B
check_output '^-b----' "who has it keeps it" b domain_state echo
check "destroy it" b chaos destroy echo
check_exit 1 'does its chaosd listen' "nobody listens" chaos migrate echo 127.0.0.1:8004
check_exit 2 'HOST\[:PORT\]' "no host" chaos migrate echo -- '-oProxyCommand=x'
check_exit 3 'no domain' "no guest" chaos migrate nobody $B
check_exit 2 'control domain' "dom0" chaos migrate 0 $B
ip link set xenbr1 down
ip link set xenbr1 name away
check_exit 8 'refuses: .*bridge "xenbr1"' "a bridge that the other host lacks" chaos migrate echo $B
check "the connection is open" echoes two
ip link set away name xenbr1
ip link set xenbr1 up
check "pause" chaos pause echo
check_exit 1 'paused' "a paused guest" chaos migrate echo $B
check "unpause" chaos unpause echo
check "the connection is open" echoes three
check "a guest that ignores requests" chaos create "$GUESTS/deaf.cfg"
wait_for 5 console_shows deaf '^deaf: up'
check_exit '[17]' 'suspend|request' "it is not moved" chaos migrate -t 1 deaf $B
check_output '^-b----|^r-----' "it goes on" domain_state deaf
check "destroy" chaos destroy deaf
check "a guest of all the memory that is left" chaos create "$GUESTS/noop.cfg" name=large memory=$((($(free_kib) / 2 >> 10) + 50))
wait_for 5 console_shows large '^noop: up'
check_exit 5 'refuses: .*memory' "it has no room there" chaos migrate large $B
check_output '^-b----|^r-----' "it goes on" domain_state large
check "destroy" chaos destroy large

note "strangers"
stranger() { # OPTION...: until chaosd ends the connection, which may be after the client's handshake
    echo x | timeout 5 openssl s_client -connect $B -quiet "$@" 2>&1
}
check_exit 1 'alert certificate required' "without a certificate" stranger
check_exit 1 'alert unknown ca' "with another authority's" stranger -cert /etc/chaos/theirs.pem -key /etc/chaos/theirs.key
check_exit 1 'alert protocol version' "with TLS 1.2" stranger -tls1_2 -cert /etc/chaos/ours.pem -key /etc/chaos/ours.key
configure c 127.0.0.1:8005 xenbr1:xenbr0 theirs
CHAOS_RUN_DIR=/run/chaos-c chaosd --foreground -c /etc/chaos/c.conf 2> /tmp/c.log &
stranger_pid=$!
wait_for 5 test -S /run/chaos-c/chaosd.sock
check_exit 6 'certificate is not accepted' "to a host with another authority's" chaos migrate echo 127.0.0.1:8005
kill $stranger_pid
wait $stranger_pid
rm -r /run/chaos-c
head -c 100000 /dev/urandom | timeout 5 nc -N 127.0.0.1 8003 > /dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do # more than may be strangers at once
    sleep 20 | nc 127.0.0.1 8003 > /dev/null 2>&1 &
done
sleep 0.2
check "chaosd answers while silent ones wait" b chaos stats
check "no domain was made for them" test "$(chaos list -q | wc -l)" -eq 2
check "a guest waits until they are put off, and moves" chaos migrate echo $B
check "the connection is open" echoes four
check_exit 0 'certificate|version|TLS' "they are in the log" cat /tmp/b.log
exec 7>&-
check "shutdown" b chaos shutdown -w -t 10 echo
pkill -f 'nc 127.0.0.1 8003'
pkill -x sleep
both_are_clean

note "how it is set up"
refused() { # TEXT
    CHAOS_RUN_DIR=/run/chaos-c timeout 5 chaosd --foreground -c /etc/chaos/c.conf
}
cp /etc/chaos/b.conf /etc/chaos/c.conf
check_exit 1 'cannot listen on 127.0.0.1:8003: Address already in use' "the port is taken" refused
sed -i 's/^listen.*/listen = 127.0.0.1:8005/; s/ours.key/none.key/' /etc/chaos/c.conf
check_exit 8 'key /etc/chaos/none.key: No such file' "no key" refused
cp /etc/chaos/ours.key /etc/chaos/none.key && chmod 644 /etc/chaos/none.key
check_exit 8 'can be read by others' "a key that others can read" refused
sed -i '/^authority/d; /^certificate/d; /^key/d' /etc/chaos/c.conf
check_exit 8 'needs authority, certificate and key' "no certificates" refused
rm -r /run/chaos-c

note "certificates that are renewed"
shows() { # NAME
    echo | timeout 5 openssl s_client -connect $B -cert /etc/chaos/ours.pem -key /etc/chaos/ours.key 2> /dev/null |
        grep -q "^subject=CN = $1\$"
}
check "what host b shows" shows ours
(cd /etc/chaos && make_certificate ours renewed 127.0.0.1)
sed -i 's/ours.pem/b.pem/; s/ours.key/b.key/' /etc/chaos/b.conf
cp /etc/chaos/ours.pem /etc/chaos/b.pem && cp -p /etc/chaos/ours.key /etc/chaos/b.key
stop_both
start_a
start_b
cp /etc/chaos/renewed.pem /etc/chaos/b.pem && cp -p /etc/chaos/renewed.key /etc/chaos/b.key
check "not read before it is told" shows ours
kill -HUP "$daemon_b"
check "then it is" wait_for 5 shows renewed
chmod 644 /etc/chaos/b.key
kill -HUP "$daemon_b"
check "one that cannot be used" wait_for 5 grep -q 'certificates of before remain in use: .*b.key can be read by others' /tmp/b.log
check "changes nothing" shows renewed
check "create" chaos create "$GUESTS/noop.cfg"
check "and guests go there" chaos migrate noop $B
check "destroy" b chaos destroy noop
stop_both
verdict $? "both end"
finish
