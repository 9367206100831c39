# SPDX-License-Identifier: BSD-3-Clause
# The guest kernel: its own tests in several sizes of memory, addresses by DHCP, devices that come
# and go while it runs, an idle guest that stays idle.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
basis

note "the kernel's own tests; above 4 MiB it builds page tables"
for memory in 1 2 3 4 5 31 64 1100; do
    check "$memory MiB: create" chaos create "$GUESTS/selftest.cfg" memory=$memory
    check "$memory MiB: success" wait_for 20 console_shows selftest '^Test result: SUCCESS'
    check "$memory MiB: destroy" chaos destroy selftest
done

note "an address by DHCP"
cat > /tmp/udhcpd.conf << 'EOF'
start 10.0.0.100
end 10.0.0.100
interface xenbr0
lease_file /tmp/udhcpd.leases
max_leases 1
opt subnet 255.255.255.0
EOF
: > /tmp/udhcpd.leases
busybox udhcpd -f /tmp/udhcpd.conf > /tmp/udhcpd.log 2>&1 &
udhcpd=$!
check "create" chaos create "$GUESTS/daytime.cfg" 'cmdline="ip=dhcp"'
check "it has the address" wait_for 30 console_shows daytime '^daytime: up 10.0.0.100'
check_output 'UTC' "it tells the time" daytime_of 100
check "destroy" chaos destroy daytime
kill $udhcpd

note "devices that come and go"
# vif add|del DOMID: with the address 10.0.0.5/24, by /dev/noxs.
cat > /tmp/vif.py << 'EOF'
import ctypes, fcntl, struct, sys
VERSION, VIF = 1, 2
verb, domid = sys.argv[1], int(sys.argv[2])
with open("/dev/noxs", "r+b", buffering=0) as noxs:
    if verb == "add":
        config = struct.pack("<HHI6sH4sI16s16s72x", VIF, 0, 0, bytes.fromhex("00163e010203"), 1500,
                             bytes([10, 0, 0, 5]), 24, b"xenbr0", b"")
        devices = ctypes.create_string_buffer(config, 128)
        call = struct.pack("<IHHQII", VERSION, domid, 1, ctypes.addressof(devices), 0, 0)
        number = 1
    else:
        call = struct.pack("<IIHHHH", VERSION, 0, domid, VIF, 0, 0)
        number = 2
    fcntl.ioctl(noxs, 3 << 30 | len(call) << 16 | ord("N") << 8 | number, bytearray(call))
EOF
grep -v '^vif\|^cmdline' "$GUESTS/daytime.cfg" > /tmp/novif.cfg
check "create without a vif" chaos create /tmp/novif.cfg
domid=$(chaos domid daytime)
for round in 1 2 3; do
    check "$round: a vif comes" python3 /tmp/vif.py add "$domid"
    check "$round: it is served" wait_for 5 answers_ping 5
    check_output 'UTC' "$round: and tells the time" daytime_of 5
    check "$round: it goes" python3 /tmp/vif.py del "$domid"
    check_exit 1 '.' "$round: and is gone" answers_ping 5
done
check "shutdown still works" chaos shutdown -w -t 10 daytime

note "an idle guest is not woken by clocks of its own"
cpu_us() { # NAME
    chaos info "$1" | awk -F: '/^cpu_us/ { print $2 + 0 }'
}
check "create" create_daytime idle 7
check_output 'UTC' "a connection, whose end TCP remembers" daytime_of 7
check "ping" answers_ping 7
sleep 30
before=$(cpu_us idle)
sleep 600
after=$(cpu_us idle)
check "10 minutes cost it less than 1 ms (before $before us, after $after us)" \
    test $((after - before)) -lt 1000
check "it answers" answers_ping 7
check "destroy" chaos destroy idle
leakcheck
finish
