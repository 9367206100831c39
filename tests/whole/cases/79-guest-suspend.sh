# SPDX-License-Identifier: BSD-3-Clause
# Our guests suspend as Xen's own tools want it: xl saves, restores and clones them; a suspension that
# is cancelled on either bus leaves no trace. A TCP connection outlives all of it.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start-xenstored > /dev/null 2>&1

# hold HOST-PART COMMAND...: an echo on one connection, the command, an echo on the same connection.
cat > /tmp/hold.py << 'PY'
import socket, subprocess, sys

connection = socket.create_connection(("10.0.0." + sys.argv[1], 7), 5)
connection.settimeout(20)

def echo(text):
    data, got = text * 100, b""
    connection.sendall(data)
    while len(got) < len(data):
        part = connection.recv(4096)
        if not part:
            sys.exit("the connection was closed")
        got += part
    if got != data:
        sys.exit("it echoed something else")

echo(b"before ")
result = subprocess.run(sys.argv[2:])
echo(b"after ")
sys.exit(result.returncode)
PY

# suspend DOMID [REQUESTS]: by the sysctl device, waits until it is suspended, lets it go on in place.
cat > /tmp/suspend.py << 'PY'
import ctypes, fcntl, struct, sys, time

domid = int(sys.argv[1])
control, guest = ctypes.CDLL("libxenctrl.so.4.17"), ctypes.CDLL("libxenguest.so.4.17")
control.xc_interface_open.restype = ctypes.c_void_p
xen = ctypes.c_void_p(control.xc_interface_open(None, None, 0))

def suspended():
    info = ctypes.create_string_buffer(1024)  # xc_dominfo_t: domid, ssidref, flags
    control.xc_domain_getinfo(xen, domid, 1, info)
    return struct.unpack_from("<IIB", info) [2] & 4  # shutdown

with open("/dev/noxs", "r+b", buffering=0) as noxs:
    call = bytearray(struct.pack("<IHHII", 1, domid, 0, 3, 0))
    fcntl.ioctl(noxs, 3 << 30 | len(call) << 16 | ord("N") << 8 | 6, call)
for _ in range(100):
    if suspended():
        break
    time.sleep(0.01)
else:
    sys.exit("it did not suspend")
sys.exit(guest.xc_domain_resume(xen, domid, 1))
PY

hold() {
    timeout 60 python3 /tmp/hold.py "$@"
}

state_says() { # HOST-PART PATTERN
    timeout 5 nc -w 3 "10.0.0.$1" 1007 | grep -q "$2"
}

save_and_restore() {
    xl save echo /tmp/echo.save && xl restore /tmp/echo.save
}
export -f save_and_restore

xl_create() { # NAME HOST-PART
    xl create -q "$GUESTS/tcpecho.cfg" memory=4 "name=\"$1\"" "cmdline=\"ip=10.0.0.$2/24\""
}

note "XenStore"
check "xl create" xl_create echo 2
check "it answers ping" wait_for 10 answers_ping 2
for round in 1 2; do
    check "$round: a connection outlives xl save and xl restore" hold 2 bash -c save_and_restore
    check "$round: the guest knows" wait_for 5 state_says 2 "^restored $round "
    check "$round: and a checkpoint that leaves it running" hold 2 xl save -c echo /tmp/echo.kept
    check "$round: which is no restore" state_says 2 "^restored $round "
done
check "xl shutdown" timeout 30 xl shutdown -w echo
xl destroy echo # the xl that watched it left when it was suspended
check "a checkpoint serves again" xl restore /tmp/echo.kept
check "it answers" wait_for 10 state_says 2 '^restored 3 '
check "xl destroy" xl destroy echo

note "31 MiB: page tables of the guest's own making"
check "xl create" xl create -q "$GUESTS/tcpecho.cfg" memory=31 'name="echo"' 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 10 answers_ping 2
check "a connection outlives xl save and xl restore" hold 2 bash -c save_and_restore
check "xl destroy" xl destroy echo

note "the time of day goes on, and is the host's"
check "xl create" xl create -q "$GUESTS/daytime.cfg" memory=4 'name="echo"' 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 10 answers_ping 2
check "xl save" xl save echo /tmp/echo.save
sleep 100
check "xl restore" xl restore /tmp/echo.save
check "it answers ping" wait_for 10 answers_ping 2
told=$(date -d "$(daytime_of 2 | sed 's/-UTC.*/ UTC/')" +%s)
late=$(($(date +%s) - told))
check "it tells the host's time ($late s behind)" test "$late" -ge 0 -a "$late" -le 2
check "xl destroy" xl destroy echo

note "noxs"
start_host
basis
check "chaos create" chaos create "$GUESTS/tcpecho.cfg" 'cmdline="ip=10.0.0.3/24"'
check "it answers ping" wait_for 10 answers_ping 3
domid=$(chaos domid tcpecho)
for round in 1 2 3; do
    check "$round: a connection outlives a cancelled suspension" \
        hold 3 python3 /tmp/suspend.py "$domid"
done
check "it was none" state_says 3 '^restored 0 '
check "shutdown still works" chaos shutdown -w -t 10 tcpecho
leakcheck
finish
