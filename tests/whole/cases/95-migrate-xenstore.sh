# SPDX-License-Identifier: BSD-3-Clause
# Guests on XenStore move between two chaosd: ours with an open connection, Debian's kernel with two vcpus and a disk that it
# writes to. What the other host cannot have is refused, with the guest going on.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/migrate.sh
. /root/migrate.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh

SLOW_S=6
export patience=10 # seconds

runs_on() { # HOST NAME
    $1 domain_state "$2" | grep -Eq '^(r-----|-b----|------)$'
}

here() {
    "$@"
}

# Host b anew: there is nothing in this folder for it.
start_b_blind() { # FOLDER
    kill "$daemon_b"
    wait "$daemon_b"
    CHAOS_RUN_DIR=/run/chaos-b unshare -m sh -c "mount -t tmpfs none $1 && exec chaosd --foreground -c /etc/chaos/b.conf" \
        2>> /tmp/b.log &
    daemon_b=$!
    wait_for 5 b chaos stats
}

start_b_again() {
    kill "$daemon_b"
    wait "$daemon_b"
    start_b
}

start_store
two_hosts
cd /tmp || exit 1
store_state > before

note "ours"
check "create" chaos create "$GUESTS/tcpecho.cfg" name=echo memory=4 'bus="xenstore"' 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 10 answers_ping 2
connect 2 # not in a subshell
check "it echoes" echoes one
check "there" chaos migrate echo $B
check "it runs there" runs_on b echo
check_exit 3 echo "it is gone here" chaos domid echo
check_output 'bridge=xenbr1' "on the bridge of that host" b chaos info echo -o json
check "the connection is open" echoes two
check "and back" b chaos migrate echo $A
check "the connection is open" echoes three
check "host b keeps shells for such guests" b chaos pool set xs --bus xenstore --memory 4 --vif xenbr1 --low 1
check "there" chaos migrate echo $B
check "into one of them" test "$(pool_sum hits)" -eq 1
check "the connection is open" echoes four
check "host b gives them up" b chaos pool drain
check "all of them" wait_for 5 has_shells 0
check "and back" b chaos migrate echo $A
check "the connection is open" echoes five

note "a host without XenStore"
start_b_blind /run/xenstored
check_exit 6 'refuses: .*xenstored does not run' "it refuses" chaos migrate echo $B
check "the guest goes on" runs_on here echo
check "the connection is open" echoes six
exec 7>&-
check "shutdown" chaos shutdown -w -t 10 echo

start_b_again

note "Debian's kernel"
{
    keeps_log 'dd if=/dev/null of=/mnt/log conv=notrunc,fsync 2> /dev/null'
    cat << 'EOF'
echo 20 > /proc/sys/vm/dirty_writeback_centisecs
echo 20 > /proc/sys/vm/dirty_expire_centisecs
sleep 100000 < /dev/xvdb & # so that who closes it does not wait for it
nc -ll -p 1008 -e dd if=/dev/zero of=/dev/xvdb bs=4k count=1 oflag=direct &
nc -ll -p 1009 -e dd if=/dev/zero of=/dev/xvdb bs=4k count=1 conv=notrunc &
EOF
} | make_initramfs initramfs xen-netfront xen-blkfront ext4
make_disk disk.img 16
loop=$(losetup -f --show disk.img) # as a volume that both hosts have
mkdir volumes
disk=/tmp/volumes/linux
mknod $disk b 7 "${loop#/dev/loop}"
modprobe null_blk nr_devices=1 irqmode=2 completion_nsec=$((SLOW_S * 1000000000)) # and one that takes its time
slow=/tmp/volumes/slow
IFS=: read -r major minor < /sys/block/nullb0/dev
mknod $slow b "$major" "$minor"
linux_config linux 'bus = "xenstore"' 'vcpus = 2' 'vif = ["bridge=xenbr0"]' "disk = [\"$disk,raw,xvda,rw\", \"$slow,raw,xvdb,rw\"]"
check "create, with two vcpus, a disk and a vif" chaos create linux.cfg
check "it answers ping" wait_for 60 answers_ping 9
check "it writes to its disk" wait_for 20 goes_on 5
connect 9
check "it echoes" echoes one
at=$(lines)
check "there" chaos migrate linux $B
check "it runs there" runs_on b linux
check "the connection is open" echoes two
check "it writes on, to its disk" wait_for 20 goes_on "$at"
at=$(lines)
check "and back" b chaos migrate linux $A
check "the connection is open" echoes three
check "it writes on, to its disk" wait_for 20 goes_on "$at"


note "a disk that is slow"
nr_in_flight() { # NUMBER: requests
    awk -v nr="$1" '{ exit $1 + $2 != nr }' /sys/block/nullb0/inflight
}
write_slowly() { # PORT: 1008, a process waits for it; 1009, only the kernel knows of it
    wait_for 30 nr_in_flight 0 || return
    nc -w 30 10.0.0.9 "$1" < /dev/null > /dev/null 2>&1 &
    wait_for 30 nr_in_flight 1
}
check "a process of the guest waits for it" write_slowly 1008
check_exit 7 'did not suspend itself within 1000 ms, and goes on' "it cannot be stopped" chaos migrate -t 1 linux $B
patience=20 check "it stops once the disk is done, and is let go on" echoes four
check "a process of the guest waits for it" write_slowly 1008
check_exit 7 'did not suspend itself within 1000 ms, and goes on' "it cannot be saved" chaos save -t 1 linux linux.ck
check "it goes on" runs_on here linux
check "the connection is open" echoes five
check "its kernel writes to it" write_slowly 1009
check_exit 7 'disk xvdb: .*has not done 1 requests yet' "no migration before that is done" chaos migrate -t 1 linux $B
check "the guest goes on" runs_on here linux
check "the connection is open" echoes six
check "its kernel writes to it" write_slowly 1009
took=$(chaos migrate --timing=json linux $B | python3 -c 'import json, sys; print(json.load(sys.stdin))')
check "nothing is under way when it has moved ($took)" nr_in_flight 0
check "the connection is open" echoes seven
check "and back" b chaos migrate -t 20 linux $A

note "disks that do not go with their guest"
start_b_blind /tmp/volumes
check_exit 8 "refuses: disk xvda: cannot open .$disk.: No such file" "one that the other host lacks" chaos migrate linux $B
check "the connection is open" echoes eight
at=$(lines)
check "it writes on, to its disk" wait_for 20 goes_on "$at"
start_b_again
exec 7>&-
ends_whole linux disk.img
check "create, with a file as a disk" chaos create "$GUESTS/tcpecho.cfg" name=echo memory=4 'bus="xenstore"' \
    'cmdline="ip=10.0.0.2/24"' "disk=[\"/tmp/disk.img,raw,xvda,rw\"]"
check "it answers ping" wait_for 10 answers_ping 2
check_exit 8 'xvda: "/tmp/disk.img" is no block device' "it is not moved" chaos migrate echo $B
check "it answers ping" answers_ping 2
check "destroy" chaos destroy echo
losetup -d "$loop"
modprobe -r null_blk
store_state > after
check "no node, netdev, loop device or back-end is left" diff before after
SLACK_KIB=512 both_are_clean
finish
