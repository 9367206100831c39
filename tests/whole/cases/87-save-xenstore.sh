# SPDX-License-Identifier: BSD-3-Clause
# Guests on XenStore are saved and go on from their files, with the daemon and without: ours with an open connection,
# Debian's kernel with two vcpus, a disk that it writes to and a network. A domain id that comes again brings no old nodes.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh
cd /tmp || exit 1

export patience=10 # seconds

create_echo() { # NAME HOST-PART [key=value...]
    local name=$1 address=10.0.0.$2
    shift 2
    chaos create "$GUESTS/tcpecho.cfg" memory=4 'bus="xenstore"' "name=$name" "cmdline=\"ip=$address/24\"" "$@"
}

node() { # NAME NODE: what stands there below the domain's own
    xenstore-read "/local/domain/$(chaos domid "$1")/$2"
}

start_store
basis
store_state > before

note "ours"
check "a guest that does not look at the store" chaos create "$GUESTS/deaf.cfg" 'bus="xenstore"' memory=4
wait_for 5 console_shows deaf '^deaf: up'
check_exit 7 'did not suspend itself' "is not saved" chaos save -t 1 deaf /dev/shm/deaf.ck
check "and is not asked any longer" test -z "$(node deaf control/shutdown)"
check_output '-b----' "it goes on" domain_state deaf
check "destroy" chaos destroy deaf
check "the smallest guest, with 1 MiB" chaos create "$GUESTS/noop.cfg" 'bus="xenstore"'
wait_for 5 console_shows noop '^noop: up'
check "save" chaos save noop /dev/shm/noop.ck
check "restore" chaos restore /dev/shm/noop.ck
check "it has gone on, and takes a request" chaos shutdown -w -t 10 noop
check "create" create_echo echo 2
check "it answers ping" wait_for 10 answers_ping 2
connect 2 # not in a subshell
check "it echoes" echoes one
check "save" chaos save echo /dev/shm/echo.ck
check_exit 3 'echo' "the domain is gone" chaos domid echo
store_state > after
check "no node, netdev or back-end is left" diff before after
check "restore" chaos restore /dev/shm/echo.ck
check "the connection is open" echoes two
check "the guest knows that it was restored" state_says 2 '^restored 1 '
check "save -c" chaos save -c echo /dev/shm/echo.ck
check "the connection is open" echoes three
check "which was no restore" state_says 2 '^restored 1 '
check "the request has been taken" test -z "$(node echo control/shutdown)"
check "a second guest, with its own address" \
    chaos restore --name clone /dev/shm/echo.ck 'cmdline="ip=10.0.0.3/24"'
check "the clone answers ping" wait_for 10 answers_ping 3
check "the connection is open" echoes four
check "the clone has another MAC" test "$(node echo device/vif/0/mac)" != "$(node clone device/vif/0/mac)"
check_output '^clone$' "and its name in XenStore" node clone name
check "save -p" chaos save -p clone /dev/shm/clone.ck
check_output '--p---' "leaves it paused" domain_state clone
check "unpause" chaos unpause clone
check "it answers ping" wait_for 10 answers_ping 3
check "shutdown" chaos shutdown -w -t 10 clone
check "three times in a row" sh -c 'for _ in 1 2 3; do chaos save echo /dev/shm/echo.ck && chaos restore /dev/shm/echo.ck || exit 1; done'
check "the connection is open" echoes five
check_exit 8 'saved on the XenStore bus' "its bus is part of it" \
    chaos restore --name other /dev/shm/echo.ck 'bus="noxs"'
check_exit 3 'other' "no domain is left of that" chaos domid other
exec 7>&-
check "shutdown" chaos shutdown -w -t 10 echo
store_state > after
check "no node, netdev or back-end is left" diff before after
leakcheck

note "out of a pool"
fixed_pools '[pool xs]' 'bus = xenstore' 'memory = 4' 'vif = xenbr0' 'low = 2' 'high = 2'
chaosd --foreground -c chaosd.conf 2> chaosd.log &
daemon=$!
pool_says() { # MEMBER VALUE
    chaos pool list -o json 2> /dev/null | grep -q "\"$1\": $2\b"
}
check "its pool fills" wait_for 10 pool_says level 2
check "create" create_echo echo 2
check "it answers ping" wait_for 10 answers_ping 2
connect 2
check "it echoes" echoes one
wait_for 10 pool_says level 2
hits=$(chaos stats | awk '$1 == "restore_warm" { print $2 }')
check "save, restore through the daemon" sh -c 'chaos save echo /dev/shm/echo.ck && chaos restore --daemon /dev/shm/echo.ck'
check "which was in a shell" test "$(chaos stats | awk '$1 == "restore_warm" { print $2 }')" -eq $((hits + 1))
check "the connection is open" echoes two
check "two more of the file" chaos restore -n 2 --name more /dev/shm/echo.ck 'cmdline="ip=10.0.0.2{n}/24"'
check "more-1 answers ping" wait_for 10 answers_ping 21
check "more-2 answers ping" wait_for 10 answers_ping 22
check "the connection is open" echoes three
exec 7>&-
check "destroy" chaos destroy echo more-1 more-2
kill "$daemon"
wait "$daemon"
rm -f /run/chaos/chaosd.*
store_state > after
check "no node, netdev or back-end is left" diff before after
leakcheck

note "Debian's kernel"
{ keeps_log; echo '(while :; do :; done) &'; } | make_initramfs initramfs xen-netfront xen-blkfront ext4
make_disk disk.img 16
linux_config linux 'bus = "xenstore"' 'vcpus = 2' 'vif = ["bridge=xenbr0"]' 'disk = ["/tmp/disk.img,raw,xvda,rw"]'
check "create, with two vcpus, a disk and a vif" chaos create linux.cfg
check "it answers ping" wait_for 60 answers_ping 9
wait_for 20 goes_on 5
connect 9
check "it echoes" echoes one
check "save -c" chaos save -c linux /dev/shm/linux.ck
check "the connection is open" echoes two
check "it writes to its disk" wait_for 20 goes_on "$(lines)"
check "save" chaos save linux /dev/shm/linux.ck
check_output '128 MiB, vcpus 2' "verify" chaos verify /dev/shm/linux.ck
at=$(on_disk disk.img log | awk 'END { print $2 }')
check "what it wrote is on its disk (line $at)" test "${at:-0}" -gt 5
check_exit 4 'already' "a name that is taken" sh -c 'chaos create -p linux.cfg disk=[] vif=[] && chaos restore /dev/shm/linux.ck'
check "destroy" chaos destroy linux
check "restore" chaos restore /dev/shm/linux.ck
check "the connection is open" echoes three
check "it writes on, to its disk" wait_for 20 goes_on "${at:-0}"
check "with two vcpus" test "$(timeout 10 nc -w 5 10.0.0.9 1007 | sed -n 2p)" = 2
check_exit 8 'cannot open "/tmp/none"' "a disk that is not there" \
    chaos restore --name second /dev/shm/linux.ck 'disk=["/tmp/none,raw,xvda,rw"]'
check_exit 1 'disk.img.*used by another guest' "a second guest does not get its disk" \
    chaos restore --name second /dev/shm/linux.ck
check "but without a disk and a network it is one more guest" \
    chaos restore --name second /dev/shm/linux.ck 'disk=[]' 'vif=[]'
check "destroy" chaos destroy second
plain=$(stat -c %s /dev/shm/linux.ck)
check "save, restore, compressed" sh -c 'chaos save --compress linux /dev/shm/linux.ck && chaos restore /dev/shm/linux.ck'
check "to less than half the size ($plain, $(stat -c %s /dev/shm/linux.ck) bytes)" \
    test "$(stat -c %s /dev/shm/linux.ck)" -lt $((plain / 2))
check "the connection is open" echoes four
check "it writes on" wait_for 20 goes_on "${at:-0}"
exec 7>&-
ends_whole linux disk.img
store_state > after
check "no node, netdev, loop device or back-end is left" diff before after
SLACK_KIB=512 leakcheck

note "a domain id that comes again"
check "create" create_echo echo 2
next=$(($(chaos domid echo) + 1))
make_disk other.img 4
back=/local/domain/0/backend
# What a domain leaves whom somebody destroyed who knew nothing of its devices.
leave() { # KIND ID
    xenstore-write "/local/domain/$next/device/$1/$2/state" 1 "$back/$1/$next/$2/frontend" "/local/domain/$next/device/$1/$2" \
        "$back/$1/$next/$2/frontend-id" "$next" "$back/$1/$next/$2/online" 1 "$back/$1/$next/$2/state" 1 \
        "$back/$1/$next/$2/script" xendevd "$back/$1/$next/$2/params" /tmp/other.img \
        "$back/$1/$next/$2/mode" w "$back/$1/$next/$2/mac" 00:16:3e:01:01:01 "$back/$1/$next/$2/handle" "$2" \
        "$back/$1/$next/$2/bridge" xenbr0 "$back/$1/$next/$2/hotplug-status" ''
}
leave vif 0
leave vif 3
leave vbd 51712
check "the kernel has them" wait_for 5 test -e "/sys/bus/xen-backend/devices/vbd-$next-51712"
check "create" create_echo next 3
check "it has that id" test "$(chaos domid next)" = "$next"
check "it answers ping" wait_for 10 answers_ping 3
check "its own vif is all that it has" test "$(xenstore-list $back/vif/"$next"; xenstore-list $back/vbd/"$next" 2> /dev/null)" = 0
check "to the kernel, too" sh -c "! ls /sys/bus/xen-backend/devices | grep -e '-$next-' | grep -v 'vif-$next-0'"
check "destroy" chaos destroy echo next
store_state > after
check "no node, netdev, loop device or back-end is left" diff before after
leakcheck
finish
