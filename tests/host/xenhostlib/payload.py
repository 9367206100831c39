# SPDX-License-Identifier: BSD-3-Clause
"""Our own build products, put into dom0 after a host came up."""
from . import client
from .common import BUILD, HERE, HostError


def entries(bare):
    """(built file, path in dom0, mode) by the list in `payload`."""
    found = []
    for line in (HERE / "payload").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        pattern, place, mode = words
        matches = sorted(BUILD.glob(pattern))
        if not matches and not bare:
            raise HostError(f"{BUILD / pattern} is not built; run ./bootstrap.sh build, or leave "
                            "our own programs out with --bare")
        for match in matches:
            target = place + match.name if place.endswith("/") else place
            found.append((match, target, int(mode, 8)))
    return found


def send(name, found):
    def fill(archive):
        for source, target, mode in found:
            with open(source, "rb") as stream:
                info = archive.gettarinfo(fileobj=stream, arcname=target.lstrip("/"))
                info.mode = mode
                archive.addfile(info, stream)

    if found:
        client.send_tar(name, fill, "/")
