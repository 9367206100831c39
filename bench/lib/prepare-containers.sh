#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Run on the emulated host: prepare-containers.sh [docker [experimental]]. Makes /run/bench/bundle for runc and crun,
# or Docker's image "bench"; both hold nothing but the program that reports and stays. Docker's checkpoints are experimental.
set -eu
bench=/run/bench
mkdir -p $bench/bundle/rootfs/bench
: >$bench/stamp
chmod 666 $bench/stamp
cp /root/bench/bench-inside $bench/bundle/rootfs/inside
start-cgroups
if [ "${1:-}" = docker ]; then
    mkdir -p /etc/docker
    [ "${2:-}" != experimental ] || echo '{ "experimental": true }' >/etc/docker/daemon.json
    start-docker
    tar -c -C $bench/bundle/rootfs inside bench | docker import -c 'ENTRYPOINT ["/inside"]' - bench >/dev/null
    exit 0
fi
cd $bench/bundle
runc spec
python3 - <<'END'
import json
with open("config.json", encoding="ascii") as stream:
    config = json.load(stream)
config["process"]["terminal"] = False
config["process"]["args"] = ["/inside", "stamp", "/bench/stamp"]
config["mounts"].append({"destination": "/bench", "source": "/run/bench", "type": "none", "options": ["bind"]})
with open("config.json", "w", encoding="ascii") as stream:
    json.dump(config, stream)
END
