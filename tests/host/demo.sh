#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs in dom0: a guest from nothing to its first answer. Times are virtual: 1 ms = 10^6 instructions.
set -u
config=/root/guests/daytime.cfg
address=$(sed -n 's/.*ip=\([0-9.]*\).*/\1/p' "$config")

between() {
    echo "$1 $2" | awk '{ printf "%.2f ms", ($2 - $1) * 1000 }'
}

start-chaos || exit 1
echo "\$ chaos create --timing $config"
start=$EPOCHREALTIME
chaos create --timing "$config" || exit 1
created=$EPOCHREALTIME
tries=100
until { exec 3<>"/dev/tcp/$address/13"; } 2>/dev/null; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || {
        echo "demo: $address does not answer on TCP port 13; its console:" >&2
        chaos console --no-follow daytime >&2
        exit 1
    }
done
read -r answer <&3
answered=$EPOCHREALTIME
exec 3>&-
echo "\$ chaos list"
chaos list
echo "$address says: $answer"
echo "create: $(between "$start" "$created") of virtual time, fork and exec of chaos included;" \
    "until its answer: $(between "$start" "$answered")"
echo "\$ chaos destroy daytime"
chaos destroy daytime
