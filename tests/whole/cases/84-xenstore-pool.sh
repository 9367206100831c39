# SPDX-License-Identifier: BSD-3-Clause
# Shells on XenStore: made by chaosd beforehand, and given to a guest that then has what it asked for.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh

start_store
printf '%s\n' '[pools]' 'adaptive = no' '[pool xs]' 'bus = xenstore' 'memory = 4' 'vif = xenbr0' 'low = 4' \
    'high = 4' > /tmp/chaosd.conf
basis
store_state > /tmp/before
check "chaosd starts" chaosd --config=/tmp/chaosd.conf

pool_says() { # MEMBER VALUE
    chaos pool list -o json | grep -q "\"$1\": $2\b"
}

create_on_store() { # NAME HOST-PART KEY=VALUE...
    chaos create --daemon "$GUESTS/daytime.cfg" "name=$1" memory=4 'bus="xenstore"' \
        "cmdline=\"ip=10.0.0.$2/24\"" "${@:3}"
}

check "its pool fills" wait_for 10 pool_says level 4
check "create, out of the pool" create_on_store one 2
check "it answers ping" wait_for 10 answers_ping 2
check "it came out of the pool" pool_says hits 1
check_output '^one$' "its name is in XenStore" xenstore-read "/local/domain/$(chaos domid one)/name"
check "a second one, with addresses and a name for its netdev" create_on_store two 3 \
    'vif=["mac=00:16:3e:0a:0b:0c,bridge=xenbr0,vifname=guest-two,mtu=1400"]'
check "it answers ping" wait_for 10 answers_ping 3
check_output '00:16:3e:0a:0b:0c' "under that MAC" ip neigh show 10.0.0.3
check_output 'mtu 1400.*master xenbr0.*state UP' "the netdev has the name and the MTU" ip -o link show guest-two
check "it came out of the pool, too" pool_says hits 2
make_disk /tmp/disk.img 4
check "one with a disk" create_on_store three 4 'disk=["/tmp/disk.img,raw,xvda,r"]'
check_output '^xvda' "has it" chaos info three
check "no shell was spent on it" pool_says hits 2
check "it answers ping" wait_for 10 answers_ping 4
check "shutdown" chaos shutdown -w one
check "destroy" chaos destroy two three
check "drain" chaos pool drain
wait_for 10 pool_says level 0
pkill chaosd
wait_for 10 sh -c '! pidof chaosd'
rm -f /run/chaos/chaosd.*
store_state > /tmp/after
check "no node, netdev, loop device or back-end is left" diff /tmp/before /tmp/after
leakcheck
finish
