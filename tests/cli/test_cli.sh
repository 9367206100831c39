#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What the command does with any command line, on any machine: no Xen is needed.
# usage: test_cli.sh CHAOS
set -u
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
chaos=$1

# --- help and usage
expect_line 2 "a command is missing; see: chaos help" "$chaos"
expect_line 2 "unknown command 'craete' (did you mean 'create'?); see: chaos help" "$chaos" craete
expect_line 2 "unknown command 'xyzzy'; see: chaos help" "$chaos" xyzzy
expect_line 2 "unknown command ''" "$chaos" ''
expect_line 2 "unknown option '--nonsense'" "$chaos" --nonsense
expect 0 "" "$chaos" help
cp "$dir/out" "$dir/help"
expect 0 "" "$chaos" --help
check "--help is help" cmp -s "$dir/out" "$dir/help"
expect 0 "" "$chaos" -h
check "-h is help" cmp -s "$dir/out" "$dir/help"
for command in $(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$dir/help"); do
    expect 0 "" "$chaos" help "$command"
    cp "$dir/out" "$dir/one"
    check "help $command names it" grep -q "^usage: chaos $command" "$dir/one"
    check "help $command: wider than 100" awk 'length > 100 { exit 1 }' "$dir/one"
    expect 0 "" "$chaos" "$command" --help
    check "$command --help is help $command" cmp -s "$dir/out" "$dir/one"
    expect_line 2 "chaos $command: unknown option '--nonsense'; see: chaos help" \
        "$chaos" "$command" --nonsense
done
expect_line 2 "unknown command 'lst' (did you mean 'list'?); see: chaos help" "$chaos" help lst
check "no help on help" sh -c "! grep -q 'help help' $dir/err"
expect_line 2 "unexpected argument 'b'" "$chaos" help list b
expect_line 2 "needs FILE" "$chaos" create
expect_line 2 "needs DOMAIN" "$chaos" destroy
expect_line 2 "needs DOMAIN NAME" "$chaos" rename a
expect_line 2 "'--dryrun'" "$chaos" create --dryrn x
expect 0 "" "$chaos" version
check "version" grep -Eqx 'chaos [0-9.]+ \(noxs ABI [0-9]+\)' "$dir/out"
expect 0 "" "$chaos" --version
expect_line 2 "no completion for 'tcsh'" "$chaos" completion tcsh

# --- standard descriptors
full() { "$@" >/dev/full; }
closed_out() { "$@" >&-; }
closed_all() { "$@" <&- >&- 2>&-; }
for command in help version "completion bash" "help create"; do
    # shellcheck disable=SC2086 # words
    expect_line 1 "cannot write to standard output: No space left on device" full "$chaos" $command
    # shellcheck disable=SC2086
    expect_line 1 "cannot write to standard output: Bad file descriptor" closed_out "$chaos" $command
done
expect 1 "" closed_all "$chaos" version
# The reader is gone before the writer starts.
(
    sleep 0.2
    "$chaos" completion bash
    echo $? >"$dir/status"
) 2>"$dir/err" | :
check "a broken pipe is an error" test "$(cat "$dir/status")" = 1
check "a broken pipe is reported" grep -q "Broken pipe" "$dir/err"

# --- configurations
good=$dir/good.cfg
cat >"$good" <<END
name = "web1"
kernel = "/k"
memory = 4
END
dry() { "$chaos" create -N "$@"; }
expect 0 "" dry "$good"
check "dry run is JSON" python3 -m json.tool "$dir/out" /dev/null
check "dry run has its schema" grep -q '"schema": 1' "$dir/out"
cp "$dir/out" "$dir/json"
for setting in LC_ALL=de_DE.UTF-8 TZ=Pacific/Kiritimati TERM= LANG=tr_TR.UTF-8; do
    expect 0 "" env "$setting" "$chaos" create -N "$good"
    check "$setting changes the output" cmp -s "$dir/out" "$dir/json"
done
expect 0 "" dry "$good" name=x 'memory = 8; vcpus=2' 'extra=a b'
check "overrides" grep -q '"cmdline": "a b"' "$dir/out"
expect_line 1 "No space left on device" full "$chaos" create -N "$good"

expect_line 8 "$dir/missing: cannot open: No such file or directory" dry "$dir/missing"
expect_line 8 "$dir: is a directory, not a file" dry "$dir"
expect_line 8 "cannot open: No such file or directory" dry ''
mkfifo "$dir/fifo"
expect_line 8 "$dir/fifo: is a FIFO, not a file" timeout 5 "$chaos" create -N "$dir/fifo"
expect_line 8 "/dev/zero: is a device or socket, not a file" timeout 5 "$chaos" create -N /dev/zero
truncate -s 1G "$dir/large"
expect_line 8 "$dir/large: is larger than 1048576 bytes" dry "$dir/large"
expect_line 8 "NUL byte: this is not a text file" sh -c "head -c 4096 /dev/zero >$dir/nul; \"$chaos\" create -N $dir/nul"
expect 8 "chaos create: $chaos" dry "$chaos"
: >"$dir/empty"
expect 8 "chaos create: $dir/empty: name is mandatory" dry "$dir/empty"
check "one line an error" test "$(wc -l <"$dir/err")" = 3
check "each line has the command" test "$(grep -c '^chaos create: ' "$dir/err")" = 3
cp "$good" "$dir/secret"
chmod 0 "$dir/secret"
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$dir"
    cp "$chaos" "$dir/chaos"
    expect_line 8 "$dir/secret: cannot open: Permission denied" \
        setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/chaos" create -N "$dir/secret"
else
    expect_line 8 "$dir/secret: cannot open: Permission denied" dry "$dir/secret"
fi

expect_line 0 "warning: argument 'memroy=8': unknown key 'memroy' (did you mean 'memory'?)" \
    dry "$good" memroy=8
expect 0 "" dry -q "$good" memroy=8
expect_line 8 "unknown key 'memroy' (did you mean 'memory'?)" dry --strict "$good" memroy=8
expect_line 8 "memory is in MiB without a suffix: memory=512" dry "$good" memory=512M
expect_line 8 "memory: 0 is not from 1 to" dry "$good" memory=0
expect_line 8 "memory: 99999999999999999999 is not from 1 to" dry "$good" memory=99999999999999999999
expect_line 8 "'memory=': the text ends where a value should be" dry "$good" memory=
for name in '' 'a b' '../x' 123 Domain-0 -x 'a/b' "$(printf 'a\033[2Jb')" "$(head -c 300 /dev/zero | tr '\0' a)"; do
    expect_line 8 "name" dry "$good" "name=\"$name\""
done
check "control characters are not printed" sh -c "! grep -q '$(printf '\033')' $dir/err"
expect_line 8 "a string has no closing quote" dry "$good" 'name="x'
expect_line 8 "name" dry "$good" "name=$(head -c 100000 /dev/zero | tr '\0' a)"
expect_line 8 "mac=00:16:3e:00:00 is not of the form" dry "$good" "vif=['mac=00:16:3e:00:00']"
expect_line 8 "disk: the noxs bus has no disks: bus=" dry "$good" bus=noxs "disk=['phy:/dev/x,xvda,w']"

# --- no Xen
if [ ! -e /proc/xen/capabilities ]; then
    for command in "create $good" "destroy web1" "list" "pause 1" "domid web1" "console web1" \
        "rename web1 web2" "shutdown -w web1"; do
        # shellcheck disable=SC2086
        CHAOS_RUN_DIR=$dir/run expect_line 6 "Xen" "$chaos" $command
    done
fi
finish
