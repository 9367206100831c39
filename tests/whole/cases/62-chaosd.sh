# SPDX-License-Identifier: BSD-3-Clause
# chaosd: out of a pool and the cold way, its commands, bad clients, a full host, stop and start.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host

start_daemon() { # [OPTION...]
    chaosd --foreground "$@" 2>> /tmp/chaosd.log &
    daemon=$!
    wait_for 5 chaos stats || note "chaosd did not start: $(cat /tmp/chaosd.log)"
}

stop_daemon() {
    kill "$daemon"
    wait "$daemon"
}

stat_of() { # METRIC: its count
    chaos stats | awk -v name="$1" '$1 == name { print $2 }'
}

pool_is() { # NAME LEVEL
    [ "$(chaos pool | awk -v name="$1" '$1 == name { print $6 }')" = "$2" ]
}

shells_are() { # NUMBER
    [ "$(find /run/chaos/shells -type f | wc -l)" -eq "$1" ]
}

# The count of METRIC grows by one while COMMAND... succeeds.
counted() {
    local metric=$1 before
    shift
    before=$(stat_of "$metric")
    "$@" && [ "$(stat_of "$metric")" -eq $((before + 1)) ]
}

basis
ip link add name elsewhere type bridge
check_exit 9 'does not answer' "create --daemon without it" chaos create --daemon "$GUESTS/noop.cfg"
check_exit 9 'does not answer' "pool without it" chaos pool
check "doctor is content without it" chaos doctor
fixed_pools '[pool noop]' 'memory = 1' 'low = 4' \
    '[pool web]' 'memory = 3' 'vif = xenbr0' 'low = 2' 'high = 6' \
    '[pool warm]' 'memory = 1' "kernel = $GUESTS/noop.elf" 'low = 2'
start_daemon -c /tmp/chaosd.conf
check_output 'ok +chaosd +version' "doctor sees it" chaos doctor
check_exit 4 "already running \(pid $daemon\)" "a second one" chaosd --foreground
check_exit 8 'line|:2: unknown key "mem"' "a mistake in its configuration" \
    sh -c 'printf "[pool a]\nmem = 4\n" > /tmp/bad.conf; CHAOS_RUN_DIR=/run/other chaosd -f -c /tmp/bad.conf'
check "the pools are filled" wait_for 5 pool_is noop 4
check "the one with vifs, too" wait_for 5 pool_is web 2
check "and the one with an image" wait_for 5 pool_is warm 2

# ------------------------------------------------------------------ creates
check "a guest out of a pool" counted create_warm chaos create "$GUESTS/noop.cfg" name=n1
check "one with a vif" counted create_warm create_daytime d1 2
check "it answers" wait_for 5 answers_ping 2
check_output 'Thursday|2026' "it tells the time" daytime_of 2
check "one of another bridge goes the cold way" counted create_cold \
    chaos create "$GUESTS/daytime.cfg" name=d2 "vif=['bridge=elsewhere']"
check_output 'master elsewhere' "and is there" ip -o link show master elsewhere
check "one with more memory than shells have, too" counted create_cold chaos create "$GUESTS/noop.cfg" name=n2 memory=9
check_output '^n2 +[0-9]+ +9 ' "and has it" chaos list n2
check "the pools are filled again" wait_for 5 pool_is noop 4
check_exit 4 'exists already' "a name that is taken" chaos create "$GUESTS/noop.cfg" name=n1
check "costs no shell" pool_is noop 4
check_exit 8 'name.*: No such file' "an image that is not there" chaos create "$GUESTS/noop.cfg" kernel=name
check_exit 0 'did you mean .memory' "warnings come through" chaos create "$GUESTS/noop.cfg" name=n3 memroy=3
check_exit 8 'did you mean .memory' "and are errors if wanted" chaos create --strict "$GUESTS/noop.cfg" name=n4 memroy=3
check "a paused one" chaos create -p "$GUESTS/noop.cfg" name=paused
check_output '^--p---$' "is paused" domain_state paused
check "and runs when it may" chaos unpause paused
check "relative paths" sh -c "cd $GUESTS && chaos create --daemon noop.cfg name=rel kernel=noop.elf"
check_output '"total"' "times" chaos create --timing=json "$GUESTS/noop.cfg" name=timed
check "without the daemon, beside it" chaos create --no-daemon "$GUESTS/noop.cfg" name=alone
chaos destroy n1 n2 n3 d1 d2 paused rel timed alone

check "ten at once" chaos create -n 10 "$GUESTS/noop.cfg" name=many
check_output '^10$' "all are there" sh -c "chaos list -o name | grep -c '^many-'"
check_exit 4 'many-10.*exists' "and once more" chaos create -n 10 "$GUESTS/noop.cfg" name=many
check "three with numbers" chaos create -n 3 "$GUESTS/daytime.cfg" name='t{n}x' 'cmdline="ip=10.0.0.2{n}/24"'
check "the second answers" wait_for 5 answers_ping 22
check "the same without the daemon" chaos create --no-daemon -n 2 "$GUESTS/noop.cfg" name=few
chaos list -o name | xargs chaos destroy

# ------------------------------------------------------------------ pools
check "another pool" chaos pool set large --memory 64 --low 2
check "is filled" wait_for 5 pool_is large 2
check_exit 3 'no pool "nothing"' "one that is not there" chaos pool drain nothing
check_exit 4 'another flavour' "the same with another flavour" chaos pool set large --memory 32 --low 2
shells=$(find /run/chaos/shells -type f | wc -l)
check "drain" chaos pool drain large
check "empties it" wait_for 5 shells_are $((shells - 2))
check "it is no more" sh -c '! chaos pool | grep -q ^large'
check_output '"level": 4' "pools as JSON" chaos pool -o json
check_output '"create_warm"' "statistics as JSON" chaos stats -o json
check_output '^warm +[0-9]' "hits and misses" chaos pool stats

cp "$GUESTS/noop.elf" /tmp/other.elf
chaos pool set changing --memory 1 --kernel /tmp/other.elf --low 1
check "a pool with an image" wait_for 5 pool_is changing 1
touch /tmp/other.elf
check "its file has changed: it is not used" counted create_cold \
    chaos create "$GUESTS/noop.cfg" name=changed kernel=/tmp/other.elf memory=1 'cmdline="x"'
chaos destroy changed
chaos pool drain changing

# ------------------------------------------------------------------ bad clients
check_exit 6 'only root and members' "a user who may not" \
    su nobody -s /bin/sh -c "/usr/local/bin/chaos pool"
cat > /tmp/bad.py << 'END'
import os, random, socket, struct, sys, time
PATH = "/run/chaos/chaosd.sock"

def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(PATH)
    return s

def packet(kind, fields=b"", version=1, length=None):
    total = 20 + len(fields)
    return struct.pack("<4sHHHHII", b"CHSD", version, kind, 0, 0, 1, total if length is None else length) + fields

def ends(s):
    s.settimeout(20)
    try:
        while s.recv(70000):
            pass
    except ConnectionResetError:
        pass
    return True

random.seed(1)
for i in range(200):  # garbage of all sizes, and damaged messages
    s = connect()
    data = bytearray(packet(3, b"\x09\x04\x05\x00hello"))
    if i % 2:
        data = bytearray(random.randbytes(random.randrange(1, 70000)))
    else:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    try:
        s.send(bytes(data))
    except OSError:
        pass
    s.close()
s = connect()
s.send(packet(1, version=7))
answer = s.recv(70000)
assert b"version 1, the client 7" in answer, answer
assert ends(s)
s = connect()
s.send(packet(1, length=9999))
assert ends(s)
idle = [connect() for _ in range(100)]  # say nothing
slow = connect()
slow.setblocking(False)
try:
    while True:
        slow.send(packet(5))  # lists, of which no answer is read
except BlockingIOError:
    pass
start = time.monotonic()
good = connect()
good.send(packet(1))
assert good.recv(70000)
print("answered in %.3f s" % (time.monotonic() - start))
config = ('name="gone"\nkernel="/root/guests/noop.elf"\nmemory=7\n').encode()
gone = connect()  # ends before its answer
gone.send(packet(3, struct.pack("<BBH", 9, 4, len(config)) + config))
gone.close()
many = []
try:
    for _ in range(300):
        many.append(connect())
        many[-1].send(packet(1))
    refused = sum(b"may have no more" in m.recv(70000) for m in many)
except (BrokenPipeError, ConnectionResetError):
    refused = 1
assert refused
END
check_output 'answered in 0\.0' "garbage, silent, slow and too many clients; another version" python3 /tmp/bad.py
check "a guest whose client went away is there" wait_for 5 chaos list gone
chaos destroy gone
check "the daemon is well" counted create_warm chaos create "$GUESTS/noop.cfg" name=after
chaos destroy after

# ------------------------------------------------------------------ a full host
free=$(chaos info | awk '$1 == "free_memory" { print $3 }')
check "a pool larger than the host" chaos pool set huge --memory 256 --low 64
check "makes it degraded" wait_for 60 sh -c 'chaos stats | grep -q "degraded: .*memory"'
check_exit 1 'FAIL +chaosd .*degraded' "doctor says so" chaos doctor
used=$(awk '{ print $14 + $15 }' "/proc/$daemon/stat")
sleep 5
used=$(($(awk '{ print $14 + $15 }' "/proc/$daemon/stat") - used))
# Of 500. A processor that the emulated host does not get for a while counts as used, too.
check "but it does not spin ($used ticks in 5 s)" test "$used" -lt 100
check "a guest gets memory all the same" chaos create "$GUESTS/noop.cfg" name=big "memory=$((free / 2))"
chaos destroy big
chaos pool drain huge
memory_is_free() { # MIB
    [ "$(chaos info | awk '$1 == "free_memory" { print $3 }')" -ge "$1" ]
}
check "the memory comes back" wait_for 30 memory_is_free $((free - 16))

# ------------------------------------------------------------------ stop and start
check "a guest" chaos create "$GUESTS/noop.cfg" name=stays
check "a pool that is in no file" chaos pool set more --memory 2 --low 1
sed -i 's/destroy/keep/' /tmp/chaosd.conf
stop_daemon
start_daemon -c /tmp/chaosd.conf
check "after a stop that destroys shells they are made again" wait_for 5 pool_is noop 4
check "also those of a pool that was set" wait_for 5 pool_is more 1
check "which is given up" chaos pool drain more
check "its shell goes" wait_for 5 shells_are 8
made=$(find /run/chaos/shells -type f | sort)
stop_daemon
verdict $? "SIGTERM ends it"
check_output '^-b----$' "its guests run on" domain_state stays
check "its shells stay" shells_are 8
check "commands work without it" chaos create "$GUESTS/noop.cfg" name=between
check "and leave them alone" shells_are 8
start_daemon -c /tmp/chaosd.conf
check_output 'took over 8 shells' "the next one takes them over" cat /tmp/chaosd.log
check "the same ones" test "$made" = "$(find /run/chaos/shells -type f | sort)"
check "and uses them" counted create_warm chaos create "$GUESTS/noop.cfg" name=again

# With the privileges that its service unit leaves it.
stop_daemon
cat > /tmp/confined << 'END'
mount --make-rprivate /
mount -o remount,ro,bind / 2> /dev/null || mount -o remount,ro /
exec setpriv --no-new-privs --inh-caps=-all \
    --bounding-set=-all,+sys_admin,+net_admin,+dac_read_search,+dac_override,+chown \
    chaosd --foreground -c /tmp/chaosd.conf
END
chaos destroy stays between again
sed -i 's/keep/destroy/' /tmp/chaosd.conf
unshare -m sh /tmp/confined 2>> /tmp/chaosd.log &
daemon=$!
check "with little privilege, on a read-only system" wait_for 5 chaos stats
check "it fills its pools" wait_for 5 pool_is web 2
check "and creates" counted create_warm create_daytime confined 3
check "with a network" wait_for 5 answers_ping 3
chaos destroy confined
stop_daemon
rm -f /run/chaos/chaosd.*
ip link del elsewhere
SLACK_KIB=256 leakcheck
finish
