# SPDX-License-Identifier: BSD-3-Clause
# What the benchmarks' client sees of a guest that is paused for a known time, saved in place, or gone.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
basis
client=/root/bench/bench-downtime

# The last sample's column: command_ms 2, tcp_gap_ms 3, ping_gap_ms 5, pings_lost 7.
column() { # NUMBER
    tail -n 1 /tmp/samples | cut -d, -f"$1"
}

within() { # VALUE LOW HIGH
    awk -v value="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(value != "" && value >= low && value <= high) }'
}

see() { # TEXT run COMMAND... \; ...
    local text=$1
    shift
    check "$text" sh -c '"$@" > /tmp/samples' sh timeout 60 $client 10.0.0.2 "$@"
}

check "create" chaos create "$GUESTS/tcpecho.cfg" name=echo
check "it answers ping" wait_for 5 answers_ping 2

see "while nothing happens" run /bin/sleep 0.05 \;
check "pings come back within 3 ms ($(column 5))" within "$(column 5)" 0.9 3
check "and bytes ($(column 3))" within "$(column 3)" 0.9 3
check "none is lost" test "$(column 7)" = 0

for seconds in 0.01 0.05 0.3; do
    see "paused for $seconds s" run /usr/local/bin/chaos pause echo \; run /bin/sleep $seconds \; run /usr/local/bin/chaos unpause echo \;
    low=$(awk "BEGIN { print $seconds * 1000 }") high=$(awk "BEGIN { print $(column 2) + 1.5 }")
    check "no ping is answered for $low to $high ms ($(column 5))" within "$(column 5)" "$low" "$high"
    check "and no byte ($(column 3))" within "$(column 3)" "$low" "$high"
done

see "saved in place" run /usr/local/bin/chaos save -c echo /dev/shm/echo.ck \;
check "it is away for less than the command takes ($(column 5) of $(column 2))" within "$(column 5)" 1 "$(column 2)"

see "saved, gone, and restored" run /usr/local/bin/chaos save echo /dev/shm/echo.ck \; run /bin/sleep 0.02 \; \
    run /usr/local/bin/chaos restore /dev/shm/echo.ck \;
check "pings are lost meanwhile ($(column 7))" test "$(column 7)" -ge 20
# What was sent meanwhile is sent again when the guest says so, not after the sender's time-out of 200 ms.
check "bytes come back as soon as pings ($(column 3), $(column 5))" within "$(column 3)" 20 "$(awk "BEGIN { print $(column 5) + 5 }")"

see "a guest that is brought back" run /bin/true \; back /bin/sleep 0.05 \;
check "outside the clock ($(column 2))" within "$(column 2)" 0.1 40
check_exit 1 'failed' "it is not brought back" $client 10.0.0.2 run /bin/true \; back /bin/false \;
check_exit 1 'failed' "a command that fails is told" $client 10.0.0.2 run /bin/false \;
check_exit 1 'does not answer|is gone' "and a guest that does not come back" \
    $client 10.0.0.2 run /usr/local/bin/chaos destroy echo \;
check_exit 1 'cannot connect' "and one that is not there" $client 10.0.0.2 run /bin/true \;
rm -f /dev/shm/echo.ck
leakcheck
finish
