#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Run on the emulated host, behind tests/whole/migrate.sh: prepare-two-hosts.sh BUS LEVEL KEY=VALUE...: two chaosd that
# send guests to each other, as there, each with a pool of LEVEL shells.
set -eu
bus=$1
level=$2
shift 2
[ "$bus" != xenstore ] || start-xenstored
start-chaos
ip address add 10.1.0.1/16 dev xenbr0
mkdir -p /etc/chaos
cd /etc/chaos
make_authority ours
make_certificate ours ours 127.0.0.1
join_bridges
configure a "$A" xenbr1:xenbr0
configure b "$B" xenbr0:xenbr1
{
    printf '[pool bench]\nlow = %s\nhigh = %s\nbus = %s\n' "$level" "$level" "$bus"
    printf '%s\n' "$@"
} >pool
cat pool >>a.conf
sed s/xenbr0/xenbr1/ pool >>b.conf
chaosd -c /etc/chaos/a.conf
b chaosd -c /etc/chaos/b.conf
sleep 10 # virtual: the pools fill
