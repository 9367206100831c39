#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""mirror_check VIF: frames of all kinds through the vif of the guest `mirror`, and what comes back.

Runs in dom0. Each frame goes out through a packet socket with a virtio header, so that it can ask for a
checksum and for segmentation, and must come back the same. Prints TAP.
"""
import socket
import struct
import sys

SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING = 263, 15, 4
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCPV4, GSO_TCPV6 = 0, 1, 4
HOST, GUEST = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
TCP, UDP = 6, 17
HEADER = struct.Struct("<BBHHHH")


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def transport(proto, size, pseudo):
    """A header with the sum of the pseudo header, as one who leaves the rest to others writes it."""
    body = bytes(i * 7 & 0xff for i in range(size))
    if proto == UDP:
        return struct.pack("!HHHH", 1000, 2000, size + 8, pseudo) + body
    return struct.pack("!HHIIBBHHH", 1000, 2000, 1, 1, 5 << 4, 0x10, 1000, pseudo, 0) + body


def frame(ipv6, proto, size):
    """An Ethernet frame with size bytes behind the transport header."""
    length = size + (8 if proto == UDP else 20)
    if ipv6:
        ends = bytes.fromhex("fd00" + "00" * 13 + "01" + "fd00" + "00" * 13 + "02")
        pseudo = ones_sum(ends + struct.pack("!II", length, proto))
        head = struct.pack("!IHBB", 6 << 28, length, proto, 64) + ends
    else:
        ends = bytes([10, 9, 0, 1, 10, 9, 0, 2])
        pseudo = ones_sum(ends + struct.pack("!HH", proto, length))
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, proto, 0) + ends
        head = head[:10] + struct.pack("!H", ones_sum(head) ^ 0xffff) + head[12:]
    kind = b"\x86\xdd" if ipv6 else b"\x08\x00"
    return GUEST + HOST + kind + head + transport(proto, size, pseudo), 14 + len(head)


class Vif:
    def __init__(self, name):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.sock.bind((name, 3))
        self.sock.settimeout(20)

    def echo(self, header, data):
        """What comes back: (header, frame), the addresses turned again."""
        self.sock.send(HEADER.pack(*header) + data)
        while True:
            try:
                got, address = self.sock.recvfrom(70000)
            except socket.timeout:
                return None
            body = got[HEADER.size:]
            if address[2] != PACKET_OUTGOING and body[:6] == HOST and body[6:12] == GUEST:
                return HEADER.unpack(got[:HEADER.size]), GUEST + HOST + body[12:]


class Tap:
    def __init__(self):
        self.number = self.failures = 0

    def check(self, name, fine, why):
        self.number += 1
        self.failures += not fine
        print(("ok" if fine else "not ok"), self.number, "-", name)
        if not fine:
            print("#", why)


def same(tap, vif, name, header, data):
    got = vif.echo(header, data)
    if got is None:
        tap.check(name, False, "nothing came back")
        return
    fine = got[1] == data and got[0][1] == header[1] and got[0][3] == header[3]
    if header[0] & NEEDS_CSUM:
        fine = fine and got[0][0] & NEEDS_CSUM and got[0][4:] == header[4:]
    tap.check(name, fine, f"sent {header} {len(data)}, got {got[0]} {len(got[1])}, "
              f"{'same' if got[1] == data else 'other'} bytes")


def main():
    vif, tap = Vif(sys.argv[1]), Tap()
    for size in (0, 1, 200, 1400, 3000, 4050, 4054, 4055, 8000, 8900):
        data, start = frame(False, UDP, size)
        same(tap, vif, f"UDP, {size} bytes", (0, GSO_NONE, 0, 0, 0, 0), data)
        same(tap, vif, f"UDP, {size} bytes, no checksum",
             (NEEDS_CSUM, GSO_NONE, 0, 0, start, 6), data)
        data, start = frame(True, TCP, size)
        same(tap, vif, f"TCP on IPv6, {size} bytes, no checksum",
             (NEEDS_CSUM, GSO_NONE, 0, 0, start, 16), data)
    for ipv6 in (False, True):
        for size in (1461, 5000, 20000, 40000, 65400):
            data, start = frame(ipv6, TCP, size)
            gso = GSO_TCPV6 if ipv6 else GSO_TCPV4
            same(tap, vif, f"TCP, {size} bytes, in segments, IPv{6 if ipv6 else 4}",
                 (NEEDS_CSUM, gso, start + 20, 1400, start, 16), data)
    print(f"1..{tap.number}")
    return tap.failures != 0


sys.exit(main())
