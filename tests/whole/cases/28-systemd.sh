# SPDX-License-Identifier: BSD-3-Clause
# On a Debian with systemd and udev, installed as README.md says: the units start, their sandboxes let everything
# work, and no guest notices what happens to the services.
# host: --systemd
# installed
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
rm -f /usr/local/bin/chaos /usr/local/sbin/start-chaosd # of the emulated host: what is installed is in sbin

is_active() { # UNIT
    systemctl is-active -q "$1"
}

pid_of() { # UNIT
    systemctl show -p MainPID --value "$1"
}

another_pid() { # UNIT PID
    is_active "$1" && [ "$(pid_of "$1")" != "$2" ]
}

in_group() { # GROUPS COMMAND...: as nobody
    local groups=$1
    shift
    setpriv --reuid 65534 --regid 65534 "--groups=$groups" "$@"
}

said() { # UNIT PATTERN: in the journal
    journalctl --no-pager -o cat -u "$1" | grep -Eq -- "$2"
}

settle_udev() {
    udevadm settle -t 10
}

note "installation"
install -D -m 644 /root/noxs.ko "/lib/modules/$(uname -r)/extra/noxs.ko"
depmod
check "modprobe" modprobe noxs
systemd-sysusers
check "there is a group chaos" getent group chaos
systemctl daemon-reload
check "the units are valid" systemd-analyze --man=no verify chaosd.service chaosd.socket xendevd.service
check "enable --now" systemctl enable --now xendevd chaosd
check "xendevd is active" is_active xendevd
check "chaosd is active" is_active chaosd
check "doctor is content" chaos doctor

note "guests out of the sandbox"
mkdir -p /home/web && cp "$GUESTS"/daytime.* /home/web/
sed -i 's#/root/guests#/home/web#' /home/web/daytime.cfg
check "create, an image below /home" chaos create --daemon /home/web/daytime.cfg 'cmdline="ip=10.0.0.2/24"'
check "it answers ping" wait_for 5 answers_ping 2
check "create, an image below /root" chaos create --daemon "$GUESTS/noop.cfg" name=first
check_output '^noop: up' "its console is in the log" sh -c 'sleep 0.3; chaos logs first'
settle_udev
check "udev left the name of the vif alone" sh -c "ip -o link | grep -q 'vif[0-9]*\\.0.*master xenbr0'"
pool_of() { # NAME LEVEL
    [ "$(chaos pool | awk -v name="$1" '$1 == name { print $6 }')" = "$2" ]
}
check "chaos pool set" chaos pool set small --memory 1 --low 4
check "it is filled" wait_for 5 pool_of small 4

note "a guest on XenStore, with a disk: back-ends are loaded when they are needed"
modprobe -a xen-netback xen-blkback
check_output 'ok +buses +noxs, xenstore' "doctor sees both buses" chaos doctor
dd if=/dev/zero of=/home/web/disk.img bs=1M count=4 status=none
check "create" chaos create --daemon "$GUESTS/daytime.cfg" name=store memory=4 'bus="xenstore"' \
    'cmdline="ip=10.0.0.3/24"' 'disk=["/home/web/disk.img,raw,xvda,rw"]'
check "it answers ping" wait_for 10 answers_ping 3
check_output disk.img "its disk is a loop device" losetup -a
check "destroy" chaos destroy store

note "who may ask"
# shellcheck disable=SC2016
check "a member of the group makes a guest" in_group "$(getent group chaos | cut -d: -f3)" \
    sh -c 'printf "name=\"mine\"\nkernel=\"/home/web/daytime.elf\"\nmemory=3\n" > /tmp/mine.cfg && chaos create --daemon /tmp/mine.cfg'
check_exit '[679]' 'chaosd|permi' "somebody else does not" in_group 65534 chaos create --daemon /home/web/daytime.cfg name=no

note "what happens to the services"
before=$(chaos list -q | sort)
old=$(pid_of chaosd)
systemctl kill -s KILL chaosd
check "chaosd is started again after kill -9" wait_for 10 another_pid chaosd "$old"
check "no guest is gone" test "$(chaos list -q | sort)" = "$before"
check "it took over its shells" wait_for 5 said chaosd 'took over [1-9]'
old=$(pid_of xendevd)
systemctl kill -s KILL xendevd
check "so is xendevd" wait_for 10 another_pid xendevd "$old"
check "create after it" chaos create --daemon "$GUESTS/daytime.cfg" name=later 'cmdline="ip=10.0.0.4/24"'
check "it answers ping" wait_for 5 answers_ping 4
check "reload of xendevd" systemctl reload xendevd

note "guests from other hosts"
# shellcheck source=tests/whole/migrate.sh
. /root/migrate.sh
mkdir -p /etc/chaos
(cd /etc/chaos && make_authority ours && make_certificate ours ours 127.0.0.1)
join_bridges
configure chaosd $A xenbr1:xenbr0
configure b $B xenbr0:xenbr1
check "restart of chaosd, to listen" systemctl restart chaosd
check "no guest is gone" chaos domid later
start_b
check "create" chaos create --daemon "$GUESTS/daytime.cfg" name=mover 'cmdline="ip=10.0.0.5/24"'
check "there" chaos migrate mover $B
check "and back" b chaos migrate mover $A
check "it answers ping" wait_for 5 answers_ping 5
(cd /etc/chaos && make_certificate ours ours 127.0.0.1)
check "reload with a new certificate" systemctl reload chaosd
check "it is read" wait_for 5 said chaosd 'read its certificates again'
check "there, once more" chaos migrate mover $B
check "destroy" b chaos destroy mover
kill "$daemon_b"
wait "$daemon_b"

note "stop"
check "stop of chaosd" systemctl stop chaosd.service
check "a request starts it (socket activation)" chaos create --daemon "$GUESTS/noop.cfg" name=woken
check "it is active" is_active chaosd
check "stop of both" systemctl stop chaosd.socket chaosd.service
check_exit 9 'does not answer' "nobody answers then" chaos create --daemon "$GUESTS/noop.cfg" name=none
check "the guests go on" answers_ping 2
check "the command works alone" chaos create "$GUESTS/noop.cfg" name=alone
chaos list -o name | xargs chaos destroy
check "nothing failed" test -z "$(systemctl --no-legend --plain list-units --state=failed)"
check_exit 1 '^$' "chaosd was not denied anything" \
    sh -c 'journalctl --no-pager -o cat -u chaosd -u xendevd | grep -Ei "denied|not permitted|read-only"'
finish
