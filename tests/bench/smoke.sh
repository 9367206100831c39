#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# smoke.sh OUT: three guests of figures 9 and 5, ten of figure 12, one of the downtime. Prints TAP.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$1
number=0
failures=0

# ok TEXT COMMAND...
ok() {
    local text=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $text"
    else
        failures=$((failures + 1))
        echo "not ok $number - $text"
    fi
}

figure() { "$top/bench/run" "$1" "${@:2}" --n 3 --out "$out/${1%[ab]}"; }
lines() { [ "$(grep -c "$2" "$out/$1")" -eq "$3" ]; }

rm -rf "$out"
ok "figure 9 runs" figure fig09 --systems 'chaos[NoXS],process@dom0'
ok "its CSV has a head" lines fig09/fig09.csv '^system,guest,n,create_ms,boot_ms$' 1
ok "a line for each guest" lines fig09/fig09.csv '^chaos\[NoXS\],\(noop\|daytime\),[123],[0-9.]\+,[0-9.]\+$' 6
ok "processes beside them" lines fig09/fig09.csv '^process@dom0,empty,[123],[0-9.]\+,$' 3
ok "where and how long is noted" lines fig09/runs.csv '^\(chaos\[NoXS\]\|process@dom0\),[a-z]*,3,[0-9a-f]\{12\}\( and more\)*,[1-9][0-9]*$' 3
ok "its summary has ratios" lines fig09/summary.txt '^chaos\[NoXS\]/noop  *[0-9.]*$' 1
ok "it is drawn" test -s "$out/fig09/fig09.svg" -a -s "$out/fig09/fig09.png"
ok "figure 5 runs" figure fig05 run --systems 'chaos[NoXS]/noop'
ok "and knows all categories" lines fig05/breakdown.csv '^chaos\[NoXS\],noop,2,[A-Za-z]*,[0-9.]\+$' 7
ok "figure 12a runs" figure fig12a --systems 'chaos[NoXS]'
ok "ten guests were saved" lines fig12/fig12a.csv '^chaos\[NoXS\],daytime,10,[0-9.]\+$' 10
ok "figure 12b is drawn from the same run" figure fig12b plot
ok "the same ten were restored, and answered" lines fig12/fig12b.csv '^chaos\[NoXS\],daytime,10,[0-9.]\+,[0-9.]\+$' 10
ok "both are there" test -s "$out/fig12/fig12a.svg" -a -s "$out/fig12/fig12b.png"
ok "their summary has both, and the files" test "$(grep -Ec '^chaos.*(, save |, restore |daytime  *[0-9.]+  *[0-9.]+$)' "$out/fig12/summary.txt")" -eq 4
ok "the downtime is seen" figure downtime --systems 'chaos[NoXS] save -c'
ok "on both ways" lines downtime/downtime.csv '^chaos\[NoXS\] save -c,tcpecho,[123],[0-9.]\+,[0-9.]\+,[0-9.]\+$' 3
ok "figure 9 can be cleaned away" figure fig09 clean
ok "with all its files" test ! -e "$out/fig09"
echo "1..$number"
[ $failures -eq 0 ]
