#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Run on the emulated host: prepare-chaosd.sh LEVEL KEY=VALUE...: chaosd with one pool of LEVEL shells, and nothing else.
set -eu
level=$1
shift
case $* in *bus=xenstore*) start-xenstored ;; esac
start-chaos
ip address add 10.1.0.1/16 dev xenbr0
mkdir -p /etc/chaos
{
    printf '[pools]\nadaptive = no\n[pool bench]\nlow = %s\nhigh = %s\n' "$level" "$level"
    printf '%s\n' "$@"
} >/etc/chaos/chaosd.conf
start-chaosd
sleep 5 # virtual: the pool fills
