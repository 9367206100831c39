#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Run on the emulated host: prepare-containers.sh [docker [experimental]]. Makes /run/bench/bundle for runc and crun,
# or Docker's image "bench"; both hold nothing but the program that reports and stays. Docker's checkpoints are experimental.
set -eu
bench=/run/bench
# As many as there is memory for, where Linux' defaults and those of a shell end sooner.
# shellcheck disable=SC3045 # dash has it
ulimit -n 1048576
sysctl -q -w kernel.pid_max=4194304 kernel.threads-max=1000000 fs.mount-max=1000000 \
    fs.inotify.max_user_instances=65536 fs.inotify.max_user_watches=1000000 kernel.keys.root_maxkeys=1000000 \
    kernel.keys.root_maxbytes=100000000
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
