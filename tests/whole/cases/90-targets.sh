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

at_most() { # TEXT VALUE LIMIT
    check "$1: $2, at most $3" awk -v value="$2" -v limit="$3" \
        'BEGIN { exit !(value != "" && value <= limit) }'
}

measure process 20 create /root/bench/bench-empty \;
measure noop 20 -p ready create /usr/local/bin/chaos create "$GUESTS/noop.cfg" 'name=t{n}' \; \
    destroy /usr/local/bin/chaos destroy 't{n}' \; domid /usr/local/bin/chaos domid 't{n}' \;
measure daytime 20 -p ping create /usr/local/bin/chaos create "$GUESTS/daytime.cfg" 'name=t{n}' \
    'cmdline="ip={ip}/16"' \; destroy /usr/local/bin/chaos destroy 't{n}' \;
process=$(median process 2)
at_most "noop, create" "$(median noop 2)" 3.2
at_most "noop, create / fork and exec of a static binary" \
    "$(awk -v a="$(median noop 2)" -v b="$process" 'BEGIN { printf "%.3f", a / b }')" 1.7
at_most "noop, create + boot" "$(median noop 3)" 3.5
at_most "noop, destroy" "$(median noop 4)" 3
at_most "daytime, create" "$(median daytime 2)" 7
at_most "daytime, create + first answer" "$(median daytime 3)" 12
at_most "daytime, destroy" "$(median daytime 4)" 8
finish
