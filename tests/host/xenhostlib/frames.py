# SPDX-License-Identifier: BSD-3-Clause
"""The frames between a client, the broker and the agent in dom0 (see README.md)."""
import asyncio
import json
import struct

HEADER = struct.Struct("<BBHI")
MAX_FRAME = 1 << 20
WINDOW = 256 * 1024
CHUNK = 32 * 1024 - HEADER.size

RUN, DATA, END, ACK, KILL, SIZE = (ord(letter) for letter in "RDEAKW")
EXIT, FAIL, HELLO, CONTROL = (ord(letter) for letter in "XFHJ")


def pack(kind, payload=b"", stream=0):
    return HEADER.pack(kind, stream, 0, len(payload)) + payload


def control(**fields):
    return pack(CONTROL, json.dumps(fields).encode())


def run_request(argv, env, cwd, size=None):
    """size: (rows, columns) of the terminal, or None for three pipes."""
    rows, columns = size or (0, 0)
    words = [cwd, *argv, *(f"{key}={value}" for key, value in env.items())]
    strings = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)
    head = struct.pack("<5H", size is not None, rows, columns, len(argv), len(env))
    return pack(RUN, head + strings)


class Parser:
    """Cuts a byte stream into (kind, stream, payload)."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data
        while len(self.buffer) >= HEADER.size:
            kind, stream, _, length = HEADER.unpack_from(self.buffer)
            end = HEADER.size + length
            if len(self.buffer) < end:
                return
            payload = bytes(self.buffer[HEADER.size:end])
            del self.buffer[:end]
            yield kind, stream, payload


async def read(reader):
    """One frame from an asyncio stream: (kind, header and payload); None at its end."""
    try:
        header = await reader.readexactly(HEADER.size)
        kind, _, _, length = HEADER.unpack(header)
        if length > MAX_FRAME:
            return None
        return kind, header + await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
