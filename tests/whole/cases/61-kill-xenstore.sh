# SPDX-License-Identifier: BSD-3-Clause
# kill -9 during create and destroy of a guest on XenStore: the next command clears up, nodes included.
# shellcheck source=tests/whole/lib.sh
. /root/lib.sh
# shellcheck source=tests/whole/xenstore.sh
. /root/xenstore.sh

make_victim() {
    chaos create "$GUESTS/daytime.cfg" name=victim memory=4 'bus="xenstore"' \
        'disk=["/tmp/disk.img,raw,xvda,w"]' > /dev/null
}

start_store
make_disk /tmp/disk.img 4
EVERY=23 # a message to xenstored is several calls
alive=1  # Domain-0
make_victim # what is made once
chaos destroy victim
basis
store_state > /tmp/before
sweep "create" true chaos create "$GUESTS/daytime.cfg" name=victim memory=4 'bus="xenstore"' \
    'disk=["/tmp/disk.img,raw,xvda,w"]'
sweep "destroy" make_victim chaos destroy victim
store_state > /tmp/after
check "no node, netdev, loop device or back-end is left" diff /tmp/before /tmp/after
leakcheck
finish
