# SPDX-License-Identifier: BSD-3-Clause
"""The process behind a running host: owns QEMU, connects clients to free agent ports, and lets
the virtual processors run only while a command runs (deterministic hosts)."""
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import traceback

from . import frames, resident
from .common import HostError
from .machine import Machine

DRAIN_TIMEOUT = 20
ENDINGS = (frames.EXIT, frames.FAIL)


class Freezer:
    """Counts the running commands; the processors run while there are any."""

    def __init__(self, machine, enabled):
        self.machine = machine
        self.enabled = enabled
        self.users = 0
        self.changing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def thawed(self):
        await self.change(1)
        try:
            yield
        finally:
            await asyncio.shield(self.change(-1))

    async def change(self, step):
        async with self.changing:
            self.users += step
            if self.enabled and step == 1 and self.users == 1:
                await self.machine.command("cont")
            elif self.enabled and self.users == 0:
                await self.machine.command("stop")


class Broker:
    def __init__(self, config, folder):
        self.config = config
        self.folder = folder
        self.machine = Machine(config, folder)
        self.freezer = Freezer(self.machine, not config["plain"])
        self.free_ports = asyncio.Queue()
        self.ending = asyncio.Event()
        self.reason = None

    async def run(self, ready):
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.ending.set)
        loop.call_later(self.config["life"], self.end, "its life time is over")
        try:
            starting = asyncio.ensure_future(self.start())
            ending = asyncio.ensure_future(self.ending.wait())
            await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise HostError("stopped before it was up")
            starting.result()
            for port in self.machine.ports:
                self.free_ports.put_nowait(port)
            server = await asyncio.start_unix_server(
                self.client, path=self.socket_path(), limit=frames.MAX_FRAME)
            watch = asyncio.create_task(self.watch_qemu())
            ready({"ok": True})
            await ending
            server.close()
            watch.cancel()
        finally:
            self.machine.kill()

    async def start(self):
        starting = [self.machine.start()]
        if not self.config["plain"]:
            starting.append(asyncio.to_thread(resident.hold, self.config["root"]))
        await asyncio.gather(*starting)
        if not self.config["restore"]:
            await self.machine.command("cont")
            await self.machine.wait_until_booted()
            if not self.config["plain"]:
                await self.machine.command("stop")

    def socket_path(self):
        """By way of a file descriptor: the folder's own path can be too long for a socket."""
        path = self.folder / "socket"
        path.unlink(missing_ok=True)
        return f"/proc/self/fd/{os.open(self.folder, os.O_PATH | os.O_CLOEXEC)}/socket"

    def end(self, reason):
        self.reason = reason
        self.ending.set()

    async def watch_qemu(self):
        while self.machine.process.poll() is None:
            await asyncio.sleep(0.2)
        self.end(self.machine.obituary())

    async def client(self, reader, writer):
        try:
            frame = await frames.read(reader)
            if frame and frame[0] == frames.CONTROL:
                await self.control(json.loads(frame[1][frames.HEADER.size:]), writer)
            elif frame and frame[0] == frames.RUN:
                await self.session(frame[1], reader, writer)
        except (HostError, ConnectionError) as error:
            with contextlib.suppress(ConnectionError):
                writer.write(frames.control(error=str(error)))
                await writer.drain()
        finally:
            writer.close()

    async def control(self, request, writer):
        if request["op"] == "status":
            answer = {"pid": os.getpid(), "qemu": self.machine.process.pid,
                      "commands": self.freezer.users, "mode": self.mode(),
                      "mem": self.config["mem"], "cpus": self.config["cpus"],
                      "cpu_s": self.machine.cpu_s()}
        elif request["op"] == "down":
            self.machine.kill()
            self.ending.set()
            answer = {"ok": True}
        else:
            answer = {"error": f"unknown request {request['op']}"}
        writer.write(frames.control(**answer))
        await writer.drain()

    def mode(self):
        return "plain" if self.config["plain"] else "deterministic"

    async def session(self, request, reader, writer):
        port = await self.free_ports.get()
        async with self.freezer.thawed():
            port.writer.write(request)
            upward = asyncio.create_task(self.pump_up(reader, port.writer))
            finished = await self.pump_down(port, writer, upward)
            upward.cancel()
            if not finished:
                port.writer.write(frames.pack(frames.KILL))
                try:
                    await asyncio.wait_for(self.drain(port), DRAIN_TIMEOUT)
                except asyncio.TimeoutError:
                    print("a command that its client left does not end; its port is lost",
                          file=sys.stderr, flush=True)
                    return
        self.free_ports.put_nowait(port)

    async def pump_up(self, reader, port_writer):
        """Client to dom0, whole frames only, until the client goes."""
        while frame := await frames.read(reader):
            port_writer.write(frame[1])
            await port_writer.drain()

    async def pump_down(self, port, writer, upward):
        """dom0 to client; True when the command ended, False when the client went first."""
        while True:
            reading = port.next_frame()
            await asyncio.wait({reading, upward}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                return False
            frame = port.take_frame()
            if frame is None:
                raise HostError(self.machine.obituary())
            if frame[0] == frames.HELLO:
                raise HostError("the agent in dom0 was restarted under the command")
            try:
                writer.write(frame[1])
                await writer.drain()
            except ConnectionError:
                return frame[0] in ENDINGS
            if frame[0] in ENDINGS:
                return True

    async def drain(self, port):
        """Waits for the end of a command whose client is gone."""
        while True:
            await port.next_frame()
            frame = port.take_frame()
            if frame is None or frame[0] in ENDINGS or frame[0] == frames.HELLO:
                return


def serve(config, folder, ready_fd):
    """Runs the broker; the lock on the folder says that the host is up."""
    with open(folder / "lock", "w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(str(os.getpid()))
        held.flush()

        def ready(message):
            with contextlib.suppress(OSError):
                os.write(ready_fd, json.dumps(message).encode() + b"\n")
                os.close(ready_fd)

        async def main():
            broker = Broker(config, folder)
            try:
                await broker.run(ready)
            except HostError as error:
                ready({"error": str(error)})
                broker.reason = str(error)
            if broker.reason:
                (folder / "died").write_text(broker.reason)

        try:
            asyncio.run(main())
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            ready({"error": f"the broker failed; see {folder}/broker.log"})
