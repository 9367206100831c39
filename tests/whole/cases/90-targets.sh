# SPDX-License-Identifier: BSD-3-Clause
# The times that a create and a destroy must not exceed, on a deterministic host (virtual ms).
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
ip address add 10.1.0.1/16 dev xenbr0
series=/root/bench/bench-series

measure() { # NAME N ARGUMENTS OF bench-series...
    local name=$1 n=$2
    shift 2
    $series -n "$n" "$@" > "/tmp/$name.csv" || verdict 1 "bench-series of $name"
}

median() { # FILE COLUMN
    tail -n +2 "/tmp/$1.csv" | cut -d, -f"$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Between half of what a process that does nothing takes and LIMIT: less can only be a clock that is wrong. If not, all values
# and dom0's clock are shown.
at_most() { # TEXT NAME COLUMN LIMIT
    local value
    value=$(median "$2" "$3")
    check "$1: $value, at most $4" within "$value" "$4"
    within "$value" "$4" || show "$2"
}

within() { # VALUE LIMIT
    awk -v value="$1" -v limit="$2" -v process="$process" \
        'BEGIN { exit !(value != "" && value <= limit && value >= process / 2) }'
}

show() { # NAME
    note "$1: $(paste -s -d ' ' "/tmp/$1.csv")"
    note "clock: $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource), $(dmesg | grep -i clocksource | tail -n 1)"
}

create_and_destroy() { # SUFFIX
    measure "noop$1" 20 -p ready create /usr/local/bin/chaos create "$GUESTS/noop.cfg" 'name=t{n}' \; \
        destroy /usr/local/bin/chaos destroy 't{n}' \; domid /usr/local/bin/chaos domid 't{n}' \;
    measure "daytime$1" 20 -p ping create /usr/local/bin/chaos create "$GUESTS/daytime.cfg" 'name=t{n}' \
        'cmdline="ip={ip}/16"' \; destroy /usr/local/bin/chaos destroy 't{n}' \;
}

measure process 20 create /root/bench/bench-empty \;
process=$(median process 2)
note "a static process that does nothing: $process"
create_and_destroy ""
at_most "noop, create" noop 2 2.2
ratio=$(awk -v a="$(median noop 2)" -v b="$process" 'BEGIN { printf "%.3f", a / b }')
check "noop, create / fork and exec of a static binary: $ratio, at most 1.2" \
    awk -v ratio="$ratio" 'BEGIN { exit !(ratio > 0.5 && ratio <= 1.2) }'
at_most "noop, create + boot" noop 3 2.25
at_most "noop, destroy" noop 4 2.05
at_most "daytime, create" daytime 2 2.75
at_most "daytime, create + first answer" daytime 3 3.1
at_most "daytime, destroy" daytime 4 2.65
measure list 20 create /usr/local/bin/chaos list \;
at_most "list" list 2 1.6

note "with shells"
mkdir -p /etc/chaos
printf '[pools]\nadaptive = no\n[pool one]\nlow = 8\nmemory = 1\n[pool two]\nlow = 8\nmemory = 3\nvif = xenbr0\n' \
    > /etc/chaos/chaosd.conf
start-chaosd
sleep 2 # the pools fill
create_and_destroy -pool
at_most "noop, create" noop-pool 2 1.8
at_most "noop, create + boot" noop-pool 3 1.8
at_most "noop, destroy" noop-pool 4 2.3
at_most "daytime, create" daytime-pool 2 1.85
at_most "daytime, create + first answer" daytime-pool 3 2
at_most "daytime, destroy" daytime-pool 4 2.75
missed() { chaos pool stats | awk 'NR > 1 { sum += $3 } END { print sum }'; }
check_output '^0$' "every create found a shell" missed
finish
