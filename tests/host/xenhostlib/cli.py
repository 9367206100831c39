# SPDX-License-Identifier: BSD-3-Clause
"""Commands of xenhost."""
import argparse
import os
import shutil
import sys

from . import cable, client, hosts, inputs, network, payload
from .common import HostError, Stopwatch, note

DEFAULTS = argparse.Namespace(plain=False, stock=False, linux=False, containers=False,
                              systemd=False, smp=False, mem=4, cpus=2, net=None)
FAILED = 125  # xenhost itself failed, as opposed to the command that it ran


def up(options):
    watch = Stopwatch()
    found = payload.entries(options.bare)
    options.net = network.parse(options.net) if options.net else None
    if options.net and not options.plain:
        raise HostError("--net needs --plain: deterministic hosts share no clock")
    if options.smp and not options.plain:
        raise HostError("--smp needs --plain: on deterministic hosts processors take turns")
    hosts.up(options)
    cable.join(options.name, options.net)
    payload.send(options.name, found)
    note(f"host {options.name} is up ({watch})")
    return 0


def refresh(options):
    payload.send(options.name, payload.entries(bare=True))
    return 0


def build(options):
    """What `up` needs, so that it is quick."""
    if options.what == "xen":
        inputs.xen()
    elif options.what == "image":
        inputs.image()
    else:
        hosts.snapshot(hosts.make_config(DEFAULTS))
    return 0


def execute(options):
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise HostError("exec: no command; use: xenhost exec [--name N] [-t] -- CMD...")
    return client.execute(options.name, command, options.timeout, options.terminal)


def shell(options):
    return client.execute(options.name, ["bash", "-l"], terminal=sys.stdin.isatty())


def push(options):
    *sources, target = options.paths
    if not sources:
        raise HostError("push: use: xenhost push [--name N] SOURCE... TARGET")
    client.push(options.name, sources, target)
    return 0


def pull(options):
    client.pull(options.name, options.source, options.target)
    return 0


def link(options):
    cable.shape(options.name, options.delay, options.rate)
    cable.cut(options.name, not options.cut)
    return 0


def log(options):
    with open(hosts.log_of(options.name), "rb") as stream:
        shutil.copyfileobj(stream, sys.stdout.buffer)
    return 0


def down(options):
    hosts.down(options.name)
    return 0


def describe(name):
    if not hosts.is_up(name):
        return "down" + hosts.reason_of_death(name)
    try:
        status = hosts.ask(name, op="status")
    except HostError:
        return "starting or stopping"
    return (f"up\t{status['mode']}\t{status['mem']}G\t{status['cpus']} cpus\t"
            f"{status['commands']} commands\tcpu {status.get('cpu_s', 0):.1f} s\tpid {status['pid']}")


def list_hosts(_options):
    for name in hosts.names():
        print(f"{name}\t{describe(name)}")
    return 0


def kernel_headers(_options):
    print(inputs.kernel_headers())
    return 0


def parser():
    top = argparse.ArgumentParser(prog="xenhost", description="an emulated Xen host")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(name, run, text, named=True):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        if named:
            sub.add_argument("--name", default=os.environ.get("XENHOST_NAME", "default"),
                             help="which host (default: $XENHOST_NAME, or 'default')")
        return sub

    sub = command("up", up, "start a host")
    sub.add_argument("--mem", type=int, default=DEFAULTS.mem, metavar="G",
                     help=f"memory in GiB ({DEFAULTS.mem})")
    sub.add_argument("--cpus", type=int, default=DEFAULTS.cpus, metavar="N",
                     help=f"processors ({DEFAULTS.cpus})")
    sub.add_argument("--plain", action="store_true",
                     help="the wall clock's time and parallel processors; always boots")
    sub.add_argument("--smp", action="store_true", help="dom0 has all processors (with --plain)")
    sub.add_argument("--net", metavar="NAME:INDEX",
                     help="join the emulated network NAME as 10.0.0.INDEX (with --plain)")
    sub.add_argument("--stock", action="store_true", help="Debian's own Xen, without our patches")
    sub.add_argument("--linux", action="store_true",
                     help="Linux alone, without Xen (deterministic: with one processor)")
    sub.add_argument("--containers", action="store_true",
                     help="with Docker, runc and crun (start-docker)")
    sub.add_argument("--systemd", action="store_true",
                     help="with systemd and udev, as a Debian that was installed")
    sub.add_argument("--cold", action="store_true", help="boot rather than restore a snapshot")
    sub.add_argument("--bare", action="store_true", help="leave out what is not built yet")
    command("refresh", refresh, "put our own programs into a running host again")
    sub = command("build", build, "build what hosts boot, so that `up` is quick", named=False)
    sub.add_argument("what", nargs="?", choices=["xen", "image", "snapshot"], default="snapshot",
                     help="only this (default: snapshot, which needs the others)")
    sub = command("exec", execute, "run a command in dom0")
    sub.add_argument("-t", dest="terminal", action="store_true", help="give it a terminal")
    sub.add_argument("--timeout", type=float, metavar="S", help="kill it after S seconds")
    sub.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD...")
    command("shell", shell, "a root shell in dom0")
    sub = command("push", push, "copy files and folders into dom0")
    sub.add_argument("paths", nargs="+", metavar="SOURCE... TARGET")
    sub = command("pull", pull, "copy a file or a folder out of dom0")
    sub.add_argument("source")
    sub.add_argument("target")
    sub = command("link", link, "set the cable of a host that is up with --net: no option, no limit")
    sub.add_argument("--delay", type=float, metavar="MS", help="each packet it sends is late by it")
    sub.add_argument("--rate", type=float, metavar="MBIT", help="bandwidth of what it sends, Mbit/s")
    sub.add_argument("--cut", action="store_true", help="pull the cable out")
    command("log", log, "print the console of Xen and dom0")
    command("down", down, "stop a host and remove its files")
    command("list", list_hosts, "list hosts", named=False)
    command("kernel-headers", kernel_headers, "print the KDIR that modules for dom0 build against",
            named=False)
    return top


def open_standard_streams():
    """A stream that our caller closed is empty; its number is not to be taken by another file."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)


def main(arguments):
    open_standard_streams()
    if arguments[:1] == ["_serve"]:  # the broker, started by `up`
        return hosts.serve(arguments[1], int(arguments[2]))
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except HostError as error:
        print(f"xenhost: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except KeyboardInterrupt:
        return 130
