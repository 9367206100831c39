# SPDX-License-Identifier: BSD-3-Clause
# Guests with a vif: ping, TCP, shutdown, reboot, and xendevd's part in it.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
start_host
basis

check "create" create_daytime a 2
id=$(chaos domid a)
check_output 'master xenbr0.*state UP' "its vif is on the bridge and up" ip -o link show "vif$id.0"
check "it answers ping" wait_for 5 answers_ping 2
check_output '20[0-9][0-9]' "it tells the time on TCP port 13" daytime_of 2
for _ in 1 2 3 4 5 6 7 8 9 10; do
    daytime_of 2 > /dev/null || verdict 1 "ten connections one after another"
done
check "big packets pass (ping -s 1400)" ping -c 3 -i 0.1 -W 1 -s 1400 10.0.0.2
check "a flood passes" ping -q -f -c 500 -W 1 10.0.0.2
check_output 'noxsvif' "ip link tells the kind of the netdev" ip -d link show "vif$id.0"

received() { # of the first guest, in packets
    cat "/sys/class/net/vif$id.0/statistics/tx_packets"
}
before=$(received)
check "a second guest" create_daytime b 3
id_b=$(chaos domid b)
check "it answers" wait_for 5 answers_ping 3
check "its announcement, and who asks for it, do not wake the first" test "$(received)" = "$before"
sysctl -q -w net.ipv4.conf.xenbr0.arp_notify=1
ip link set xenbr0 address 02:00:00:00:00:02
sleep 0.1
check "the announcement of a neighbour does" test "$(received)" -gt "$before"
ip neigh flush dev xenbr0
check "it answers who asks for it" answers_ping 2
check "MAC addresses differ" test \
    "$(ip neigh show 10.0.0.2 | awk '{ print $5 }')" != "$(ip neigh show 10.0.0.3 | awk '{ print $5 }')"
check "a third, with a MAC and a name for its netdev" create_daytime c 4 \
    'vif=["mac=00:16:3e:01:02:03,bridge=xenbr0,vifname=guest-c"]'
check "it answers" wait_for 5 answers_ping 4
check_output '00:16:3e:01:02:03' "under that MAC" ip neigh show 10.0.0.4
check_output 'master xenbr0' "under that name" ip -o link show guest-c
check_exit 4 'guest-c|exist' "a netdev name that is taken is refused" create_daytime d 5 \
    'vif=["vifname=guest-c"]'
check_exit 3 '' "and leaves no domain" chaos domid d

note "a guest that never says a word"
check "create" chaos create "$GUESTS/hostile.cfg" name=mute 'cmdline="mode=rxstall"' \
    'vif=["mac=00:16:3e:0a:0b:0c,bridge=xenbr0"]'
check "its bridge learns where it is nonetheless" wait_for 5 sh -c \
    'bridge fdb show br xenbr0 | grep -qi "00:16:3e:0a:0b:0c dev vif$(chaos domid mute).0"'
check "destroy it" chaos destroy mute

check "shutdown -w" chaos shutdown -w b
# The kernel takes it down in the background.
check "its vif goes" wait_for 5 sh -c "! ip link show vif$id_b.0"
before=$(chaos domid a)
check "reboot" chaos reboot a
check "it answers again" wait_for 5 answers_ping 2
check "as another domain" test "$(chaos domid a)" != "$before"
check "pause" chaos pause a
check "a paused guest does not answer" sh -c '! ping -c 1 -W 1 10.0.0.2'
check "unpause" chaos unpause a
check "it answers" wait_for 5 answers_ping 2
check_exit 1 'in use' "rmmod is refused while guests use the module" rmmod noxs

note "xendevd dies"
kill -9 "$xendevd_pid"
check "running guests do not care" answers_ping 2
check_exit 7 'xendevd' "a create times out and names xendevd" create_daytime e 6
check_exit 3 '' "and leaves no domain" chaos domid e
(
    sleep 2
    xendevd > /tmp/xendevd.log 2>&1 &
) &
check "a create waits for a xendevd that comes late" create_daytime f 7
check "its guest answers" wait_for 5 answers_ping 7
check_exit 1 'already running' "a second xendevd is refused" xendevd
check "destroy" chaos destroy a c f
leakcheck
pkill xendevd
check "rmmod works when no guest is left" rmmod noxs
check "insmod again" insmod /root/noxs.ko
check "and a guest" chaos create "$GUESTS/noop.cfg"
check "destroy" chaos destroy noop
finish
