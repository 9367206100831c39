# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the cases in cases/ are written with; runs in dom0. See README.md.

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

skip() {
    echo "SKIP: $*"
    exit 77
}

# equal WHAT WANTED GOT
equal() {
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# contains WHAT PATTERN TEXT, with a shell pattern
contains() {
    # shellcheck disable=SC2254 # it is a pattern
    case $3 in
    *$2*) ;;
    *) fail "$1: wanted something with '$2', got '$3'" ;;
    esac
}

ok() {
    local output status=0
    output=$("$@" 2>&1) || status=$?
    [ $status -eq 0 ] || fail "$*: status $status: $output"
}

# refused PATTERN CMD...: it fails by itself, not by a signal, with one line that has PATTERN in it.
refused() {
    local pattern=$1 output status=0
    shift
    output=$("$@" 2>&1 >/dev/null) || status=$?
    [ $status -ne 0 ] || fail "$*: succeeded, but should say '$pattern'"
    [ $status -lt 125 ] || fail "$*: status $status: $output"
    contains "$*" "$pattern" "$output"
    equal "$*: lines of its error" 1 "$(printf '%s\n' "$output" | wc -l)"
}

# within SECONDS CMD...: until it succeeds
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "did not come true in time: $*"
        sleep 0.02
    done
}

# ---- what a case may not leave behind ----

host_state() {
    hoststat
    ls /sys/class/net | sed 's/^/netdev /'
    find /run/chaos -mindepth 1 2>/dev/null | sort | sed 's/^/file /'
    # shellcheck disable=SC2009 # pgrep does not print this
    ps -eo ppid=,comm= | awk '$1 != 2 && $2 !~ /^(kthreadd|bash|ps|awk|sed|ls|find|hoststat)$/ { print "process", $2 }' |
        sort | uniq -c
}

# Pages that Xen keeps for dom0 once it has needed them (event channels, grant and maptrack frames).
PAGES_KEPT=24

# compare_states BEFORE AFTER
compare_states() {
    local lost
    lost=$(awk '/^free-pages/ { n = FNR == NR ? n + $2 : n - $2 } END { print n }' "$1" "$2")
    if [ "$lost" -gt $PAGES_KEPT ]; then
        echo "LEAK: $lost pages of Xen's memory" >&2
        return 1
    fi
    diff <(grep -v '^free-pages' "$1") <(grep -v '^free-pages' "$2") >/tmp/leaks && return 0
    sed -n 's/^> /LEAK: /p; s/^< /LOST: /p' /tmp/leaks >&2
    return 1
}

# run_case CASE: with the state of the host compared before and after.
run_case() {
    local status=0
    host_state >/tmp/state.before || exit 1
    (
        set -eu
        "case_$1"
    ) </dev/null || status=$?
    if [ $status -ne 0 ]; then
        exit $status
    fi
    host_state >/tmp/state.after && compare_states /tmp/state.before /tmp/state.after
}
