# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The emulated host itself.

setup() {
    :
}

case_stock_xl_creates_a_pv_guest() {
    start-xenstored
    cat >/tmp/stock.cfg <<'EOF'
name = "stock"
type = "pv"
kernel = "/root/guests/noop.elf"
memory = 4
EOF
    ok xl create -p /tmp/stock.cfg
    contains "xl list" stock "$(xl list)"
    ok xl destroy stock
    killall xenconsoled xenstored
    rm -f /tmp/stock.cfg
    within 5 eval '! pidof xenstored xenconsoled'
}
