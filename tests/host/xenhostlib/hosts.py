# SPDX-License-Identifier: BSD-3-Clause
"""Hosts by name: start, find, stop."""
import asyncio
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys

from . import cache, frames, inputs, machine
from .common import CACHE, HERE, HostError, note

HOSTS = CACHE / "hosts"
DEFAULT_LIFE = 2 * 3600


def folder_of(name):
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", name) or name.startswith("."):
        raise HostError(f"host name '{name}': use up to 40 letters, digits, '-', '_' and '.'")
    return HOSTS / name


def is_up(name):
    """A broker holds the lock of its host's folder as long as it lives."""
    try:
        with open(folder_of(name) / "lock", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def reason_of_death(name):
    try:
        return ": " + (folder_of(name) / "died").read_text()
    except OSError:
        return ""


def connect(name):
    folder = folder_of(name)
    if not is_up(name):
        reason = reason_of_death(name)
        if reason:
            raise HostError(f"host {name} is no more{reason}; `xenhost log --name {name}` has its "
                            f"console, `xenhost up --name {name}` starts it anew")
        raise HostError(f"host {name} is not up; start it with: xenhost up --name {name}")
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # By way of a file descriptor: the folder's own path can be too long for a socket.
    handle = os.open(folder, os.O_PATH)
    try:
        link.connect(f"/proc/self/fd/{handle}/socket")
    except OSError as error:
        raise HostError(f"host {name} is starting or stopping ({error.strerror})") from error
    finally:
        os.close(handle)
    return link


def ask(name, **request):
    """One control request to the broker, and its answer."""
    parser = frames.Parser()
    with contextlib.suppress(ConnectionError), connect(name) as link:
        link.sendall(frames.control(**request))
        while data := link.recv(65536):
            for _, _, payload in parser.feed(data):
                answer = json.loads(payload)
                if "error" in answer:
                    raise HostError(f"host {name}: {answer['error']}")
                return answer
    raise HostError(f"host {name} closed the connection")


def names():
    return sorted(path.name for path in HOSTS.iterdir()) if HOSTS.is_dir() else []


def make_config(options):
    """Everything that defines a host; the inputs are built if need be."""
    machine.qemu_identity()
    if options.linux and options.stock:
        raise HostError("--linux has no Xen, so --stock does not go with it")
    if options.linux and not options.plain:
        options.cpus = 1  # the kernel would wait for a second one for ever
    image = inputs.image([name for name in inputs.ADDITIONS if getattr(options, name)])
    return {
        "plain": options.plain, "mem": options.mem, "cpus": options.cpus,
        "net": options.net, "dom0_cpus": options.cpus if options.smp else 1,
        "life": int(os.environ.get("XENHOST_LIFE", DEFAULT_LIFE)),
        "xen": xen_of(options), "kernel": str(inputs.kernel() / "vmlinuz"),
        "initrd": str(image / "initrd.gz"), "root": str(image / "root.img"),
        "restore": False,
    }


def xen_of(options):
    """The hypervisor's file; None for a host without one."""
    if options.linux:
        return None
    return str((inputs.stock_xen() if options.stock else inputs.xen()) / "xen")


def make_disk(root, disk):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", root, "-F", "raw", disk],
                   check=True)


def snapshot(config):
    """The disk of a booted and stopped host with the same configuration."""
    key = cache.digest(machine.qemu_identity(), config["root"], *machine.arguments(config))

    async def boot(folder):
        disk = folder / "disk.qcow2"
        make_disk(config["root"], disk)
        host = machine.Machine(dict(config, disk=str(disk), restore=False), folder)
        try:
            await host.start()
            await host.command("cont")
            await host.wait_until_booted()
            await host.command("stop")
            await host.monitor_line(f"savevm {machine.SNAPSHOT}")
            await host.command("quit")
            host.process.wait(30)
        finally:
            host.kill()

    def build(target, _log):
        asyncio.run(boot(target))

    return cache.entry("snapshot", key, build, "boot of the emulated host, once (about 60 s)")


def prepare(config, cold):
    """A fresh disk for a host, and whether it carries a snapshot to restore."""
    config["restore"] = not cold and not config["plain"]
    return snapshot(config) / "disk.qcow2" if config["restore"] else None


def up(options):
    name, folder = options.name, folder_of(options.name)
    if is_up(name):
        raise HostError(f"host {name} is already running; use it, or: xenhost down --name {name}")
    config = make_config(options)
    booted = prepare(config, options.cold)
    with cache.lock(CACHE / "lock" / f"host-{name}"):
        if is_up(name):
            raise HostError(f"host {name} is already running")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        disk = folder / "disk.qcow2"
        if booted:
            subprocess.run(["cp", "--reflink=auto", booted, disk], check=True)
            shutil.copy(booted.with_name("serial.log"), folder)
        else:
            make_disk(config["root"], disk)
        config["disk"] = str(disk)
        start_broker(name, config, folder)


def start_broker(name, config, folder):
    (folder / "config.json").write_text(json.dumps(config))
    reading, writing = os.pipe()
    with open(folder / "broker.log", "w", encoding="utf-8") as log:
        subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, HERE / "xenhost", "_serve", name, str(writing)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            pass_fds=[writing, *inherited_locks()])
    os.close(writing)
    with os.fdopen(reading) as stream:
        answer = json.loads(stream.readline() or '{"error": "the broker did not start"}')
    if "error" in answer:
        raise HostError(f"host {name}: {answer['error']}")


def inherited_locks():
    """Lock files that our caller holds open: they stay held for as long as the host runs."""
    found = []
    for entry in os.listdir("/proc/self/fd"):
        number = int(entry)
        try:
            if number > 2 and os.get_inheritable(number) and stat.S_ISREG(os.fstat(number).st_mode):
                found.append(number)
        except OSError:
            continue
    return found


def serve(name, ready_fd):
    from . import broker  # only this process needs it
    folder = folder_of(name)
    broker.serve(json.loads((folder / "config.json").read_text()), folder, ready_fd)


def down(name):
    folder = folder_of(name)
    if is_up(name):
        ask(name, op="down")
        with open(folder / "lock", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
    elif not folder.exists():
        note(f"host {name} is not up")
    shutil.rmtree(folder, ignore_errors=True)


def log_of(name):
    path = pathlib.Path(folder_of(name) / "serial.log")
    if not path.exists():
        raise HostError(f"host {name} has no console log; is it up?")
    return path
