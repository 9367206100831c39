#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The manual and the completion say what the tables say.
# usage: test_man.sh CHAOS DUMP-KEYS COMPLETION
set -u
here=$(dirname "$0")
# shellcheck source=tests/cli/lib.sh
. "$here/lib.sh"
chaos=$1
dump_keys=$2
completion=$3
man=$here/../../docs/man

section() { # page, heading: its lines
    awk -v want="$2" '/^\.SH /{ on = substr($0, 5) == want } on' "$1"
}

subsection() { # page, command
    awk -v want="$2" '/^\.S[SH] /{ on = $1 == ".SS" && $2 == want } on' "$1"
}

# Each key under its heading, and nothing else there.
tab=$(printf '\t')
for heading in "SUPPORTED KEYS" "IGNORED KEYS" "KEYS WITHOUT EFFECT" "REFUSED KEYS"; do
    "$dump_keys" | grep "^$heading$tab" | cut -f2 | sort >"$dir/table"
    section "$man/chaos.cfg.5" "$heading" | awk '$1 == ".B" { print $2 }' | sort >"$dir/page"
    check "chaos.cfg(5), $heading, differs from the table" diff "$dir/table" "$dir/page"
done

# Each command and option.
commands=$("$chaos" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "no commands in help" test -n "$commands"
for command in $commands; do
    subsection "$man/chaos.1" "$command" >"$dir/section"
    check "chaos(1) has no $command" test -s "$dir/section"
    "$chaos" help "$command" | sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' |
        grep -vx help | sort >"$dir/options"
    grep -o '\\-\\-[a-z\\-]*' "$dir/section" | sed 's/\\//g; s/^--//' | sort -u >"$dir/page"
    check "chaos(1), options of $command, differs from the table" diff "$dir/options" "$dir/page"
done
sed -n 's/^\.SS \([a-z]*\).*/\1/p' "$man/chaos.1" | sort >"$dir/page"
echo "$commands" | sort >"$dir/table"
check "chaos(1) has other commands than the table" diff "$dir/table" "$dir/page"

# xendevd(8) is written by hand against its --help; the exit codes are in the header.
for code in 0 1 2 3 4 5 6 7 8 9; do
    check "chaos(1) does not explain status $code" grep -qx "\.B $code" "$man/chaos.1"
done

if command -v groff >/dev/null; then
    for page in "$man"/*.[158]; do
        groff -man -Tutf8 -ww "$page" >/dev/null 2>"$dir/err"
        check "$page: $(head -n 1 "$dir/err")" test ! -s "$dir/err"
    done
fi

# What bash offers.
complete_line() { # words...: the last is under the cursor
    bash -c '
        . "$0"
        chaos() { printf "%s\n" web1 web2 db; }
        compopt() { :; }
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _chaos
        printf "%s\n" "${COMPREPLY[@]}"
    ' "$completion" "$@" | sort | tr '\n' ' '
}

offers() { # expected, words...
    expected=$1
    shift
    offered=$(complete_line "$@")
    [ "$offered" = "$expected" ] || fail "completion of '$*' is '$offered', not '$expected'"
}

for command in $commands; do
    offers "$command " chaos "$command"
    for option in $("$chaos" help "$command" | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'); do
        case " $(complete_line chaos "$command" "$option")" in
        *" $option "*) ;;
        *) fail "completion of $command has no $option" ;;
        esac
    done
done
: >"$dir/guest.cfg"
: >"$dir/other.txt"
offers "web1 web2 " chaos destroy w
offers "json " chaos list -o j
offers "json name table wide " chaos list --output = ""
offers "list " chaos help li
offers "$dir/guest.cfg " chaos create "$dir/"
finish
