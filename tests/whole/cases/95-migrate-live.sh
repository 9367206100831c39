# SPDX-License-Identifier: BSD-3-Clause
# Guests that move while they work: Debian's kernel, which goes on writing memory, and ours. They are away for less long than
# when all is sent while they wait.
# CASE_ENV='CASE_DELAYS="0 0.3 0.9"' kills chaosd at more points.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh
# shellcheck source=tests/whole/migrate.sh
. /root/migrate.sh
cd /tmp || exit 1

start_store
two_hosts
client=/root/bench/bench-downtime

export patience=10 # seconds

# The last sample's column: command_ms 2, tcp_gap_ms 3, ping_gap_ms 5.
column() { # NUMBER
    tail -n 1 /tmp/samples | cut -d, -f"$1"
}

# What it says of itself: how often it has written all of its files, and whether what it reads is what it wrote.
says() { # WHAT
    timeout 20 nc -w 10 10.0.0.9 1007 | awk -v what="$1" '$1 == what { print $2 }'
}
goes_on() { # ROUND
    local now
    now=$(says round) && [ "${now:-0}" -gt "$1" ]
}

# Xen notes what a guest writes to. It says so on its console only.
is_logged() {
    xl dmesg -c > /dev/null
    xl debug-keys q
    xl dmesg | grep -q 'paging assistance:.*log_dirty'
}
is_not_logged() {
    ! is_logged
}

note "Debian's kernel"
make_initramfs initramfs xen-netfront << END
$(greeting)
nc -ll -p 7 -e cat &
seq 1 200000 > /part
for n in \$(seq 6); do echo \$n; cat /part; done > /ballast
sum=\$(md5sum < /ballast)
echo "\$sum" > /sum
nc -ll -p 1007 -e sh -c 'echo round \$(cat /round); echo bad \$(cat /bad)' &
nc -ll -p 1008 -e sh -c 'md5sum < /ballast; cat /sum' &
echo 0 > /bad
(while :; do
    i=\$((i + 1))
    for n in 1 2 3 4 5 6 7 8; do seq \$i \$((i + 2000)) > /file\$n; done
    for n in 1 2 3 4 5 6 7 8; do [ "\$(sed -n '1p;\$p' /file\$n | tr '\n' ' ')" = "\$i \$((i + 2000)) " ] || echo \$i > /bad; done
    echo \$i > /round; usleep 50000
done) &
END
linux_config linux 'bus = "xenstore"' 'vcpus = 2' 'vif = ["bridge=xenbr0"]'
sed -i 's/^memory = .*/memory = 128/' linux.cfg
check "create" chaos create linux.cfg
check "it answers ping" wait_for 60 answers_ping 9
wait_for 60 goes_on 2
connect 9 # not in a subshell
check "it echoes" echoes one
check "there, all while it waits" sh -c "timeout 120 $client 10.0.0.9 run /usr/local/bin/chaos migrate linux $B \; > /tmp/samples"
still=$(column 5)
note "took $(column 2) ms, and $still ms without an answer"
check "it works on" wait_for 60 goes_on "$(says round)"
check "back, while it works" env CHAOS_RUN_DIR=/run/chaos-b sh -c "timeout 120 $client 10.0.0.9 run /usr/local/bin/chaos migrate --live linux $A \; > /tmp/samples"
live=$(column 5)
note "took $(column 2) ms, and $live ms without an answer"
check "it was away less than half as long" awk -v live="$live" -v still="$still" 'BEGIN { exit !(live != "" && live < still / 2) }'
check "the connection is open" echoes two
check "it works on" wait_for 60 goes_on "$(says round)"
check "all that it reads is what it wrote" test "$(says bad)" = 0
check "and what it wrote long ago" test "$(timeout 60 nc -w 50 10.0.0.9 1008 | sort -u | wc -l)" = 1
exec 7>&-

note "chaosd dies meanwhile"
for delay in ${CASE_DELAYS:-0.3}; do
    chaos migrate --live linux $B > /dev/null 2>&1 &
    check "Xen notes what it writes to" wait_for 5 is_logged
    sleep $delay
    kill -9 "$daemon_a"
    wait "$daemon_a" "$!" 2> /dev/null
    start_a
    check "it is here ($delay s), and Xen notes nothing any more" is_not_logged
    check "it works on" wait_for 60 goes_on "$(says round)"
done
check "and can be moved" chaos migrate --live linux $B
check "it works on" wait_for 60 goes_on "$(says round)"
check "all that it reads is what it wrote" test "$(says bad)" = 0
check "destroy" b chaos destroy linux
both_are_clean

note "ours"
check "create" chaos create "$GUESTS/tcpecho.cfg" name=echo 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 5 answers_ping 2
connect 2
check "it echoes" echoes one
check_output '^live +[0-9]' "there, with times" chaos migrate --live --timing echo $B
check "and back" b chaos migrate --live echo $A
check "the connection is open" echoes two
exec 7>&-
check "shutdown" chaos shutdown -w -t 10 echo
both_are_clean
stop_both
finish
