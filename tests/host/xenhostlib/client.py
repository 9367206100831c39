# SPDX-License-Identifier: BSD-3-Clause
"""The client's side of a command in dom0: exec with pipes or a terminal, push, pull."""
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shlex
import signal
import socket
import struct
import sys
import tarfile
import termios
import threading
import time
import tty

from . import frames, hosts
from .common import HostError

TIMED_OUT = 124
NOT_RUN = 127
BROKEN_PIPE = 128 + signal.SIGPIPE
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "USER": "root", "LANG": "C.UTF-8",
}


class Gone(Exception):
    """Nobody reads our output any more."""


class Session:
    """Runs one command; `run` returns its status as a shell would."""

    def __init__(self, name, argv, stdin=0, stdout=1, stderr=2, timeout=None, terminal=False):
        self.name = name
        self.stdin = stdin
        self.outputs = {1: stdout, 2: stderr}
        self.deadline = time.monotonic() + timeout if timeout else None
        self.timeout = timeout
        self.terminal = terminal
        self.credit = frames.WINDOW
        self.status = None
        environment = dict(ENVIRONMENT)
        if terminal:
            environment["TERM"] = os.environ.get("TERM", "linux")
        size = window_size(stdin) if terminal else None
        self.socket = hosts.connect(name)
        self.socket.sendall(frames.run_request(argv, environment, "/root", size))

    def run(self):
        parser = frames.Parser()
        try:
            while self.status is None:
                self.step(parser)
        except Gone:
            return BROKEN_PIPE
        finally:
            self.socket.close()
        return self.status

    def step(self, parser):
        watched = [self.socket]
        if self.stdin is not None and self.credit > 0:
            watched.append(self.stdin)
        left = max(0, self.deadline - time.monotonic()) if self.deadline else None
        ready, _, _ = select.select(watched, [], [], left)
        if self.deadline and time.monotonic() >= self.deadline:
            print(f"xenhost: the command did not end in {self.timeout:g} s and was killed",
                  file=sys.stderr)
            self.status = TIMED_OUT
        elif self.socket in ready:
            data = self.socket.recv(1 << 18)
            if not data:
                raise HostError(f"host {self.name} went down under the command"
                                + hosts.reason_of_death(self.name))
            for kind, stream, payload in parser.feed(data):
                self.handle(kind, stream, payload)
        elif ready:
            self.send_input()

    def send_input(self):
        try:
            data = os.read(self.stdin, min(frames.CHUNK, self.credit))
        except OSError:
            data = b""
        if data:
            self.credit -= len(data)
            self.send(frames.pack(frames.DATA, data))
        else:
            self.stdin = None
            self.send(frames.pack(frames.END))

    def send(self, frame):
        # An end of the connection is noticed, with its reason, where we read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(frame)

    def handle(self, kind, stream, payload):
        if kind == frames.DATA and stream in self.outputs:
            self.write(stream, payload)
            self.send(frames.pack(frames.ACK, struct.pack("<I", len(payload)), stream))
        elif kind == frames.ACK:
            self.credit += struct.unpack("<I", payload)[0]
        elif kind == frames.EXIT:
            self.status = payload[1] + 128 if payload[0] else payload[1]
        elif kind == frames.FAIL:
            print(f"xenhost: {payload.decode(errors='replace')}", file=sys.stderr)
            self.status = NOT_RUN
        elif kind == frames.CONTROL:
            raise HostError(f"host {self.name}: {json.loads(payload)['error']}")

    def write(self, stream, data):
        target = self.outputs[stream]
        if isinstance(target, bytearray):
            target += data
            return
        try:
            while data:
                data = data[os.write(target, data):]
        except (BrokenPipeError, OSError) as error:
            raise Gone from error


def window_size(terminal):
    try:
        rows, columns, _, _ = struct.unpack(
            "4H", fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8))
    except OSError:
        return 24, 80
    return rows, columns


@contextlib.contextmanager
def raw_terminal(session):
    """Our terminal passes every key on, and tells its size when that changes."""
    def resized(_number, _frame):
        session.send(frames.pack(frames.SIZE, struct.pack("<2H", *window_size(0))))

    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    tty.setraw(0)
    signal.signal(signal.SIGWINCH, resized)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def execute(name, argv, timeout=None, terminal=False):
    session = Session(name, argv, timeout=timeout, terminal=terminal)
    if not terminal:
        return session.run()
    with raw_terminal(session):
        return session.run()


def capture(name, argv):
    """Status and standard output of a short command."""
    output, errors = bytearray(), bytearray()
    status = Session(name, argv, None, output, errors).run()
    return status, output.decode(errors="replace"), errors.decode(errors="replace").strip()


def send_tar(name, fill, target):
    """Unpacks in dom0's folder `target` what `fill(tarfile)` writes."""
    reading, writing = os.pipe()

    def produce():
        with os.fdopen(writing, "wb", buffering=1 << 18) as stream:
            with contextlib.suppress(BrokenPipeError):
                with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive:
                    fill(archive)

    producer = threading.Thread(target=produce)
    producer.start()
    errors = bytearray()
    command = ["tar", "-xf", "-", "--no-same-owner", "--overwrite", "-C", target]
    status = Session(name, command, reading, bytearray(), errors).run()
    os.close(reading)
    producer.join()
    if status:
        raise HostError(f"cannot unpack in {target} on host {name}: "
                        + errors.decode(errors="replace").strip())


def push(name, sources, target):
    """Copies files and folders into dom0 as cp -r would."""
    for source in sources:
        if not os.path.lexists(source):
            raise HostError(f"push: {source} does not exist")
    is_folder = capture(name, ["test", "-d", target])[0] == 0
    if len(sources) > 1 and not is_folder and not target.endswith("/"):
        raise HostError(f"push: {target} is not a folder on host {name}")

    def fill(archive):
        for source in sources:
            path = target.rstrip("/")
            if is_folder or target.endswith("/"):
                path = f"{path}/{pathlib.Path(source).resolve().name}"
            archive.add(source, arcname=path.lstrip("/"))

    if not target.startswith("/"):
        raise HostError(f"push: {target}: give an absolute path")
    send_tar(name, fill, "/")


def pull(name, source, target):
    """Copies a file or a folder out of dom0 as cp -r would."""
    source = source.rstrip("/")
    parent, last = os.path.split(source)
    reading, writing = os.pipe()
    errors = bytearray()
    session = Session(name, ["tar", "-cf", "-", "-C", parent or "/", last], None, writing, errors)
    into = pathlib.Path(target)
    if into.is_dir():
        into = into / last
    failures = []

    def consume():
        try:
            with os.fdopen(reading, "rb") as stream:
                with tarfile.open(fileobj=stream, mode="r|") as archive:
                    for member in archive:
                        rest = os.path.relpath(member.name, last)
                        place = into if rest == "." else into / rest
                        member.name = place.name
                        archive.extract(member, place.parent, set_attrs=not member.isdir())
        except (tarfile.TarError, OSError) as error:
            failures.append(error)

    consumer = threading.Thread(target=consume)
    consumer.start()
    status = session.run()
    os.close(writing)
    consumer.join()
    if status and status != BROKEN_PIPE:
        raise HostError(f"cannot read {source} on host {name}: "
                        + errors.decode(errors="replace").strip())
    if failures:
        raise HostError(f"cannot write {into}: {failures[0]}")


def shell_words(argv):
    return " ".join(shlex.quote(word) for word in argv)
