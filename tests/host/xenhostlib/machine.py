# SPDX-License-Identifier: BSD-3-Clause
"""One QEMU process: its command line, its QMP monitor, its agent ports."""
import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess

from . import frames, network
from .common import HostError

QEMU = "qemu-system-x86_64"
PORTS = 8
SNAPSHOT = "booted"
BOOT_TIMEOUT = 600
PR_SET_PDEATHSIG = 1

# bootscrub: QEMU's memory is zero, and clearing it would make all of it resident.
XEN_ARGUMENTS = ("dom0_mem=1024M,max:1024M com1=115200,8n1 console=com1 "
                 "loglvl=error guest_loglvl=error bootscrub=0 conring_size=1M")
# To read another clock takes QEMU's lock, which all processors share.
PLAIN_XEN_ARGUMENTS = "clocksource=tsc"
DOM0_ARGUMENTS = "console=hvc0 quiet loglevel=4"
# A PV dom0 has no transparent huge pages either.
LINUX_ARGUMENTS = "console=ttyS0 quiet loglevel=4 transparent_hugepage=never"


def qemu_identity():
    """What tells one build of QEMU from another, for the key of a snapshot."""
    path = shutil.which(QEMU)
    if not path:
        raise HostError(f"{QEMU}: not installed; run ./bootstrap.sh build, or apt-get install "
                        "qemu-system-x86")
    status = os.stat(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def boot_arguments(config):
    """What QEMU starts: Linux alone, or Xen with Linux as a module."""
    if config["xen"] is None:
        return ["-kernel", config["kernel"], "-append", LINUX_ARGUMENTS,
                "-initrd", config["initrd"]]
    kernel = f"{config['kernel']} {DOM0_ARGUMENTS}".replace(",", ",,")
    xen_arguments = f"{XEN_ARGUMENTS} dom0_max_vcpus={config['dom0_cpus']}"
    if config["plain"]:
        xen_arguments += " " + PLAIN_XEN_ARGUMENTS
    return ["-kernel", config["xen"], "-append", xen_arguments,
            "-initrd", f"{kernel},{config['initrd']}"]


def arguments(config):
    """The part of QEMU's command line that a snapshot depends on."""
    if config["plain"]:
        accelerator = ["-accel", "tcg,thread=multi"]
    else:
        accelerator = ["-accel", "tcg", "-icount", "shift=0,sleep=off"]
    return [
        "-machine", "q35", "-cpu", "qemu64,+svm,+npt", "-smp", str(config["cpus"]),
        "-m", f"{config['mem']}G", "-nodefaults", "-display", "none", "-no-reboot", *accelerator,
        "-rtc", "base=2026-01-01T00:00:00,clock=vm",
        *boot_arguments(config),
        "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
        "-device", f"virtio-serial-pci,max_ports={PORTS + 1}",
    ]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Port:
    """Our end of one virtio-serial port. A frame being read outlives who waits for it."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.reading = None

    def next_frame(self):
        if self.reading is None:
            self.reading = asyncio.ensure_future(frames.read(self.reader))
        return asyncio.shield(self.reading)

    def take_frame(self):
        frame, self.reading = self.reading.result(), None
        return frame


class Machine:
    def __init__(self, config, folder):
        self.config = config
        self.folder = folder
        self.process = None
        self.ports = []
        self.replies = asyncio.Queue()
        self.monitor = None
        self.tasks = []

    async def start(self):
        """Starts QEMU with its processors stopped."""
        command = [QEMU, *arguments(self.config), "-S",
                   "-drive", f"file={self.config['disk']},if=none,id=disk,format=qcow2,cache=unsafe",
                   "-chardev", f"file,id=console,path={self.folder}/serial.log,append=on",
                   "-serial", "chardev:console"]
        command += network.arguments(self.config["net"])
        if self.config["restore"]:
            command += ["-loadvm", SNAPSHOT]
        pairs = [socket.socketpair() for _ in range(PORTS + 1)]
        for index, (_, theirs) in enumerate(pairs[:PORTS]):
            command += ["-chardev", f"socket,id=port{index},fd={theirs.fileno()}", "-device",
                        f"virtserialport,chardev=port{index},nr={index + 1},name=exec.{index}"]
        command += ["-chardev", f"socket,id=qmp,fd={pairs[PORTS][1].fileno()}",
                    "-mon", "chardev=qmp,mode=control"]
        with open(self.folder / "qemu.log", "w", encoding="utf-8") as log:
            # pylint: disable-next=subprocess-popen-preexec-fn
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs.fileno() for _, theirs in pairs], preexec_fn=die_with_parent)
        for _, theirs in pairs:
            theirs.close()
        for ours, _ in pairs[:PORTS]:
            self.ports.append(Port(*await asyncio.open_connection(
                sock=ours, limit=frames.MAX_FRAME)))
        reader, self.monitor = await asyncio.open_connection(sock=pairs[PORTS][0])
        self.tasks.append(asyncio.create_task(self.read_monitor(reader)))
        await self.reply()  # the greeting
        await self.command("qmp_capabilities")

    async def read_monitor(self, reader):
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                message = json.loads(line)
                if "event" not in message:
                    self.replies.put_nowait(message)
        self.replies.put_nowait(None)

    async def reply(self):
        message = await self.replies.get()
        if message is None:
            raise HostError(self.obituary())
        return message

    async def command(self, name, **options):
        self.monitor.write(json.dumps({"execute": name, "arguments": options}).encode())
        message = await self.reply()
        if "error" in message:
            raise HostError(f"QEMU refuses {name}: {message['error']['desc']}")
        return message["return"]

    async def monitor_line(self, line):
        answer = await self.command("human-monitor-command", **{"command-line": line})
        if answer.strip():
            raise HostError(f"QEMU's {line}: {answer.strip()}")

    async def wait_until_booted(self):
        """Every worker of the agent says hello once."""
        async def hello(port):
            frame = await frames.read(port.reader)
            if frame is None or frame[0] != frames.HELLO:
                raise HostError(self.obituary())
        try:
            await asyncio.wait_for(asyncio.gather(*(hello(port) for port in self.ports)),
                                   BOOT_TIMEOUT)
        except asyncio.TimeoutError as error:
            raise HostError(f"dom0 did not come up in {BOOT_TIMEOUT} s; the end of its console: "
                            + self.last_line("serial.log")) from error

    def last_line(self, name):
        try:
            with open(self.folder / name, encoding="utf-8", errors="replace") as stream:
                lines = [line.strip() for line in stream.readlines()[-40:] if line.strip()]
        except OSError:
            lines = []
        return lines[-1] if lines else "(nothing)"

    def obituary(self):
        """Why QEMU is no more, in one line."""
        status = None
        try:
            status = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return "QEMU closed its monitor"
        said = self.last_line("qemu.log")
        if status == 0 and said == "(nothing)":
            return f"dom0 or Xen shut down; last console line: {self.last_line('serial.log')}"
        return f"QEMU died with status {status}: {said}"

    def cpu_s(self):
        """Processor time that QEMU has used, all threads, its own and the kernel's for it; 0 when it is gone."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as stream:
                fields = stream.read().rpartition(")")[2].split()
        except OSError:
            return 0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
