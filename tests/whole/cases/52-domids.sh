# SPDX-License-Identifier: BSD-3-Clause
# Domain ids are used up and begin anew: guests that live on keep theirs, what a domain left goes to no other.
# Empty domains use them up; with CASE_ENV=CASE_GUESTS=33000 so many guests of chaosd do, one after another.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host

# burn LAST: makes empty domains until one has the id LAST. destroy ID: behind everybody's back.
cat > /tmp/xen.py << 'PY'
import ctypes, struct, sys

control = ctypes.CDLL("libxenctrl.so.4.17")
control.xc_interface_open.restype = ctypes.c_void_p
xen = ctypes.c_void_p(control.xc_interface_open(None, None, 0))

def burn(last):
    while True:
        config = struct.pack("<I16sIIIIiiIIIII", 0, b"\1" * 16, 0, 0, 1, 1023, 1, 0, 1, 0, 0, 0, 0)
        domid = ctypes.c_uint32(0)
        if control.xc_domain_create(xen, ctypes.byref(domid), config):
            sys.exit("cannot make a domain")
        if control.xc_domain_destroy(xen, domid):
            sys.exit("cannot destroy it")
        if domid.value == last:
            return

if sys.argv[1] == "burn":
    burn(int(sys.argv[2]))
else:
    sys.exit(control.xc_domain_destroy(xen, int(sys.argv[2])))
PY

LAST=32751 # 0x7ff0 and more are not for domains

is_up() { # NAME
    wait_for 5 console_shows "$1" ' up'
}

note "without chaosd"
basis
check "create old" create_daytime old 9
old=$(chaos domid old)
# Its vif is never connected, so that nothing of it is mapped in dom0: else Xen would keep the domain, dying.
check "create gone" chaos create "$GUESTS/noop.cfg" name=gone 'vif=["bridge=xenbr0"]'
gone=$(chaos domid gone)
check "it is up" is_up gone
check "its domain goes, and nobody is told" python3 /tmp/xen.py destroy "$gone"
check "its devices stay" ip link show "vif$gone.0"
check "the ids are used up, up to the last and from the first" timeout 600 python3 /tmp/xen.py burn $LAST
check "a guest gets the id of the one that is gone" create_daytime new 11
check "which is $gone" test "$(chaos domid new)" = "$gone"
check "it has devices of its own" wait_for 5 answers_ping 11
check_exit 3 'gone' "there is no guest of the old name" chaos domid gone
check "the one that lived all the while answers" answers_ping 9
check "destroy new" chaos destroy new
check "the name can be had again" create_daytime gone 10
check "destroy the rest" chaos destroy gone old
leakcheck

note "from chaosd's pools, across the last id"
cat > /tmp/chaosd.conf << 'END'
[daemon]
shells_on_stop = destroy
[pool noop]
memory = 1
low = 8
END
chaosd -c /tmp/chaosd.conf
check "create old" create_daytime old 9
old=$(chaos domid old)
guests=${CASE_GUESTS:-40}
if [ "$guests" -le 1000 ]; then
    check "the ids are used up but for some" timeout 600 python3 /tmp/xen.py burn $((LAST - 12))
fi
wrong=0 wraps=0 before=0
for ((n = 1; n <= guests; n++)); do
    chaos create --daemon "$GUESTS/noop.cfg" "name=n$n" || wrong=$((wrong + 1))
    domid=$(chaos domid "n$n")
    [ "$domid" -ge "$before" ] || wraps=$((wraps + 1))
    before=$domid
    [ "$domid" -ne "$old" ] || wrong=$((wrong + 1))
    if [ $((n % 10)) -eq 0 ]; then
        is_up "n$n" || wrong=$((wrong + 1))
        chaos destroy "n$((n - 9))" "n$((n - 8))" "n$((n - 7))" "n$((n - 6))" "n$((n - 5))" "n$((n - 4))" \
            "n$((n - 3))" "n$((n - 2))" "n$((n - 1))" "n$n" || wrong=$((wrong + 1))
    fi
done
check "$((n - 1)) guests ($wrong times something was wrong)" test $wrong -eq 0
check "ids began anew ($wraps times)" test $wraps -ge 1
check "the one that lived all the while has its id" test "$(chaos domid old)" = "$old"
check "and answers" answers_ping 9
check "destroy it" chaos destroy old
kill "$(pidof chaosd)"
wait_for 30 sh -c '! pidof chaosd'
rm -f /run/chaos/chaosd.*
wait_for 60 sh -c '! ip -o link | grep -Eq "vif"'
SLACK_KIB=512 leakcheck
finish
