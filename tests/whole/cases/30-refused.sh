# SPDX-License-Identifier: BSD-3-Clause
# Bad input and missing things: each has its exit status and its one line, and changes nothing.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh

check_exit 6 '/dev/noxs.*modprobe' "without the module: create says so" chaos create "$GUESTS/noop.cfg"
check_exit 1 'noxs' "and so does doctor" chaos doctor
start_host
check "a guest that must not be touched" chaos create "$GUESTS/noop.cfg" name=keep
basis

refused() { # STATUS PATTERN TEXT ARGUMENTS OF create...
    local status=$1 pattern=$2 text=$3
    shift 3
    check_exit "$status" "$pattern" "$text" chaos create "$@"
}

note "configuration files"
cd /tmp || exit 1
refused 8 'No such file' "missing" /tmp/none.cfg
: > empty.cfg
refused 8 'name' "empty" empty.cfg
refused 8 'directory|regular' "a directory" /tmp
mkfifo fifo.cfg
refused 8 'FIFO' "a FIFO" fifo.cfg
head -c 4096 /dev/urandom > binary.cfg
refused 8 'binary.cfg' "binary" binary.cfg
truncate -s 1G huge.cfg
refused 8 'huge.cfg.*(large|big|MiB)' "1 GiB" huge.cfg
refused 8 'device' "/dev/zero" /dev/zero
sed 's/^memory.*/memroy = 1/' "$GUESTS/noop.cfg" > typo.cfg
check_exit 8 'memroy.*memory' "an unknown key names its neighbour" chaos create -N --strict typo.cfg
sed '$ a memory = 2' "$GUESTS/noop.cfg" > twice.cfg
check_output 'twice.cfg.*memory' "a duplicate key is a warning" chaos create -N twice.cfg
refused 8 'twice.cfg.*memory' "and an error with --strict" --strict twice.cfg

note "values"
for memory in 512M 0 -1 99999999999999999999 1e3 0x; do
    refused 8 'memory' "memory=$memory" "$GUESTS/noop.cfg" name=x "memory=$memory"
done
refused 8 'memory' "memory of a wrong type" "$GUESTS/noop.cfg" name=x 'memory=["1"]'
refused 5 'MiB' "more memory than the host has" "$GUESTS/noop.cfg" name=x memory=900000
refused 8 'vcpus' "vcpus=0" "$GUESTS/noop.cfg" name=x vcpus=0
for name in '' 123 'a b' a/b ../x -x "$(printf 'n%.0s' $(seq 300))" Domain-0; do
    refused 8 'name' "name \"$(printf %.20s "$name")\"" "$GUESTS/noop.cfg" "name=\"$name\""
done
refused 4 'keep' "a name that is taken" "$GUESTS/noop.cfg" name=keep
refused 8 'mac|MAC' "a bad MAC" "$GUESTS/daytime.cfg" 'vif=["mac=00:16:3e:01:02"]'
refused 8 'nowhere' "a bridge that is not there" "$GUESTS/daytime.cfg" 'vif=["bridge=nowhere"]'
refused 8 'disk' "a disk, for which there is no back-end" "$GUESTS/noop.cfg" name=x 'disk=["phy:/dev/vda,xvda,w"]'
refused 8 'type' "type=hvm" "$GUESTS/noop.cfg" name=x type=hvm

note "kernels"
refused 8 'none' "missing" "$GUESTS/noop.cfg" name=x kernel=/tmp/none
refused 8 'empty.cfg' "empty" "$GUESTS/noop.cfg" name=x kernel=/tmp/empty.cfg
refused 8 'noop.cfg' "text" "$GUESTS/noop.cfg" name=x kernel="$GUESTS/noop.cfg"
refused 8 'PV' "an ELF that is no PV kernel" "$GUESTS/noop.cfg" name=x kernel=/usr/local/bin/chaos
{ head -c 4 "$GUESTS/noop.elf"; printf '\001'; tail -c +6 "$GUESTS/noop.elf"; } > elf32
refused 8 '32|64' "32-bit" "$GUESTS/noop.cfg" name=x kernel=/tmp/elf32
for size in 1 16 63 64 119 4096 12900; do
    head -c $size "$GUESTS/noop.elf" > ./cut
    refused 8 'cut' "truncated to $size bytes" "$GUESTS/noop.cfg" name=x kernel=/tmp/cut
done
refused 8 'memory|MiB' "a ramdisk larger than memory" "$GUESTS/noop.cfg" name=x ramdisk=/usr/bin/perl

note "names and ids of domains"
for domain in "" 0 4294967296 -1 "1 " "1;rm" 32752 Domain-0 nobody; do
    check_exit '[123]' '.' "destroy \"$domain\"" chaos destroy -- "$domain"
done 2> /dev/null
check_exit 2 'usage|unknown' "an unknown command" chaos craete
check_exit 2 '' "an unknown option" chaos create --frobnicate "$GUESTS/noop.cfg"
check_exit 2 '' "no argument" chaos create

note "privilege and output"
cp "$GUESTS/noop.cfg" /tmp/noop.cfg
chmod 644 /tmp/noop.cfg
check_exit 6 '[Rr]oot|privilege|[Pp]ermi' "not root" setpriv --reuid 65534 --regid 65534 --clear-groups \
    chaos create /tmp/noop.cfg name=x
check_exit 1 '' "stdout full" sh -c 'chaos list > /dev/full'
check_exit 1 '' "stdout closed" sh -c 'chaos list >&-'
rm -f /tmp/*.cfg /tmp/cut /tmp/elf32
leakcheck
check "destroy the one that was kept" chaos destroy keep
finish
