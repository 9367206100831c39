# SPDX-License-Identifier: BSD-3-Clause
"""The emulated network of plain hosts, as QEMU sees it."""
import re
import zlib

from .common import HostError

GROUP = "230.77.0.1"  # QEMU's packets are multicast to it on the loopback device only
PORTS = range(20000, 60000)


def parse(text):
    """NAME:INDEX -> (name, index). The index makes the host's addresses: 10.0.0.INDEX."""
    found = re.fullmatch(r"([A-Za-z0-9_.-]{1,40}):([0-9]{1,3})", text)
    if not found or not 1 <= int(found[2]) <= 99:
        raise HostError(f"--net {text}: give a network and a number from 1 to 99, as lab:1")
    return found[1], int(found[2])


def arguments(net):
    """What QEMU's command line needs for a host with config["net"]; None: no network."""
    if net is None:
        return []
    name, index = net
    port = PORTS[zlib.crc32(name.encode()) % len(PORTS)]
    return ["-netdev", f"socket,id=lab,mcast={GROUP}:{port},localaddr=127.0.0.1",
            "-device", f"virtio-net-pci,netdev=lab,mac=52:54:00:4c:41:{index:02x}"]
