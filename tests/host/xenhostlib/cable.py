# SPDX-License-Identifier: BSD-3-Clause
"""The cable from a dom0's bridge to the emulated network: plugged in, slowed down, pulled out."""
from . import client
from .common import HostError


def in_dom0(name, *argv):
    status, _, errors = client.capture(name, argv)
    if status:
        raise HostError(f"host {name}: {client.shell_words(argv)}: {errors or status}")


def join(name, net):
    """Puts the cable on xenbr0, whose addresses become the host's own.

    QEMU's multicast hands a host its own packets as well, from which its bridge would learn that its
    guests are elsewhere. So they carry their host's number, as that of a VLAN, and are dropped there.
    """
    if net is None:
        return
    _, index = net
    in_dom0(name, "modprobe", "-a", "virtio_net", "sch_ingress", "cls_matchall", "cls_flower",
            "act_vlan", "act_gact")
    in_dom0(name, "sh", "-ec", f"""
        tc qdisc add dev eth0 clsact
        tc filter add dev eth0 egress matchall action vlan push id {index}
        tc filter add dev eth0 ingress pref 1 protocol 802.1Q flower vlan_id {index} action drop
        tc filter add dev eth0 ingress pref 2 protocol 802.1Q matchall action vlan pop
        ip link set xenbr0 address 02:00:00:00:00:{index:02x}
        ip address flush dev xenbr0
        ip address add 10.0.0.{index}/24 dev xenbr0
        ip link set eth0 master xenbr0 up
        hostname dom0-{index}""")


def shape(name, delay, rate):
    """Delay (ms, one way) and bandwidth (Mbit/s) of what this host sends; None: as it comes."""
    words = []
    if delay is not None:
        words += ["delay", f"{delay:g}ms"]
    if rate is not None:
        words += ["rate", f"{rate:g}mbit"]
    if words:
        in_dom0(name, "tc", "qdisc", "replace", "dev", "eth0", "root", "netem", "limit", "100000",
                *words)
    else:
        client.capture(name, ["tc", "qdisc", "delete", "dev", "eth0", "root"])


def cut(name, connected):
    in_dom0(name, "ip", "link", "set", "eth0", "up" if connected else "down")
