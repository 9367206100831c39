# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# For a case with a line "# network: NAME...": it runs beside the emulated hosts, and does things on each of them
# by name. Sourced after lib.sh, whose checks it makes here. $WHOLE and $HOSTS are from `run`.

xenhost=$WHOLE/../host/xenhost
read -ra hosts <<< "$HOSTS"

host_named() { # NAME
    local host
    for host in "${hosts[@]}"; do
        [ "${host##*-}" != "$1" ] || echo "$host"
    done
}

# on NAME COMMAND...: in dom0 of that host, whose commands are those of lib.sh and migrate.sh as well. A failed check
# is a failure. What it starts in the background must not have our streams.
on() {
    local name=$1
    shift
    # shellcheck disable=SC2016 # for the shell in dom0
    "$xenhost" exec --name "$(host_named "$name")" --timeout 120 -- \
        bash -c '. /root/lib.sh; . /root/migrate.sh; "$@" && [ $failed -eq 0 ]' - "$@"
}

# By the wall clock: each try is a process on both sides.
wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@" > /dev/null 2>&1; do
        [ $SECONDS -lt "$end" ] || return 1
    done
}

cable() { # NAME OPTION...: of xenhost link
    local name=$1
    shift
    "$xenhost" link --name "$(host_named "$name")" "$@"
}

# The host is no more.
lose() { # NAME
    local gone host left=()
    gone=$(host_named "$1")
    "$xenhost" down --name "$gone"
    for host in "${hosts[@]}"; do
        [ "$host" = "$gone" ] || left+=("$host")
    done
    hosts=("${left[@]}")
}

kernel_is_well() {
    local host
    for host in "${hosts[@]}"; do
        check_exit 1 '^$' "the kernel of ${host##*-} has nothing to complain of" on "${host##*-}" kernel_complaints
    done
}
