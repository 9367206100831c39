# SPDX-License-Identifier: BSD-3-Clause
# Draws DIR/create.csv into DIR/create.svg and DIR/create.png (gnuplot -e "dir='DIR'" plot.gp).
set datafile separator ","
csv = dir . "/create.csv"
set logscale xy
set xlabel "n-th guest (xl's series is shorter)"
set ylabel "virtual ms (1 virtual ms = 10^6 instructions of the emulated host)"
set grid ytics mytics lc rgb "#dddddd"
set key outside right
set title "Creation of the n-th guest, one after another, on one emulated Xen host"

only(system, guest, value) = (strcol(1) eq system && strcol(2) eq guest) ? value : NaN

do for [format in "svg png"] {
    if (format eq "svg") {
        set terminal svg size 960,540 font "sans,12" background "#ffffff"
    } else {
        set terminal pngcairo size 960,540 font "sans,11" background "#ffffff"
    }
    set output dir . "/create." . format
    plot csv skip 1 using 3:(only("xl", "daytime", $4)) with points pt 7 ps 0.4 lc rgb "#b2182b" title "xl, daytime: create", \
         csv skip 1 using 3:(only("xl", "noop", $4)) with points pt 7 ps 0.4 lc rgb "#ef8a62" title "xl, noop: create", \
         csv skip 1 using 3:(only("chaos", "daytime", $5)) with points pt 6 ps 0.4 lc rgb "#2166ac" title "chaos, daytime: create + first answer", \
         csv skip 1 using 3:(only("chaos", "daytime", $4)) with points pt 7 ps 0.4 lc rgb "#2166ac" title "chaos, daytime: create", \
         csv skip 1 using 3:(only("chaos", "noop", $5)) with points pt 6 ps 0.4 lc rgb "#67a9cf" title "chaos, noop: create + boot", \
         csv skip 1 using 3:(only("chaos", "noop", $4)) with points pt 7 ps 0.4 lc rgb "#67a9cf" title "chaos, noop: create", \
         csv skip 1 using 3:(only("process", "empty", $4)) with points pt 7 ps 0.4 lc rgb "#444444" title "fork, exec, wait of a static binary"
    unset output
}
