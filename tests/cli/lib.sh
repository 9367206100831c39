# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# For the shell tests: $dir is a folder that goes away, check counts failures, finish reports them.

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail() { # message...
    echo "FAILED: $*"
    failed=$((failed + 1))
}

check() { # description, command...
    description=$1
    shift
    "$@" || fail "$description"
}

# Runs "$@" and expects a status, and a text (fixed string) on standard error; "" expects silence
# there. Standard output goes to $dir/out.
expect() { # status, text, command...
    wanted=$1 text=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err"
    status=$?
    if [ "$status" != "$wanted" ]; then
        fail "status $status, not $wanted: $*"
        sed 's/^/    /' "$dir/err"
    elif [ -z "$text" ] && [ -s "$dir/err" ]; then
        fail "not silent: $*"
        sed 's/^/    /' "$dir/err"
    elif [ -n "$text" ] && ! grep -qF -- "$text" "$dir/err"; then
        fail "says nothing of '$text': $*"
        sed 's/^/    /' "$dir/err"
    fi
}

# As expect, and the error is one line.
expect_line() {
    expect "$@"
    [ "$(wc -l <"$dir/err")" = 1 ] || fail "not one line of error: $*"
}

finish() {
    [ "$failed" = 0 ] && echo "all passed"
    exit $((failed != 0))
}
