# SPDX-License-Identifier: BSD-3-Clause
"""What is compared: one row for each pair of a system and what it starts. Figures choose from it."""
import os
from dataclasses import dataclass, replace

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = "/root/bench"
GUESTS = "/root/guests"
CHAOS = "/usr/local/bin/chaos"
DOCKER_SOCKET = "/run/docker.sock"


@dataclass(frozen=True)
class System:
    """{n} and {ip} in the commands are replaced by bench-series for each guest."""
    system: str
    guest: str
    create: tuple
    destroy: tuple = ()
    domid: tuple = ()
    probe: str = "none"     # how it is seen that the guest is up (src/probe*.c)
    host: str = "dom0"      # which kind of host (host.py)
    prepare: tuple = ()     # shell script and its arguments, run once on the host
    color: str = "#444444"
    client: tuple = ()      # options of bench-client, which then asks chaosd itself
    plain: bool = False     # on a host with the wall clock's time
    save: tuple = ()        # into a file of the guest's own, on a tmpfs
    restore: tuple = ()
    restored: str = ""      # probe for a restored guest, if not the same
    forget: tuple = ()      # removes the file
    migrate: tuple = ()     # to a second toolstack on the same host
    migrated: tuple = ()    # destroys it there
    returned: tuple = ()    # or moves it back
    moves: tuple = ()       # commands, one after another, that move a guest about under its client

    @property
    def key(self):
        return f"{self.system}/{self.guest}"


def script(name, *arguments):
    with open(os.path.join(HERE, name), encoding="ascii") as stream:
        return (stream.read(), *arguments)


def cfg(guest):
    return f"{GUESTS}/{guest}.cfg"


XENSTORE = 'bus="xenstore"'
POOL = 64  # shells; between two commands of a series it is filled up
FILE = "/dev/shm/bench-{n}.ck"  # a checkpoint; or a folder, as CRIU makes it
SIZES = "/run/bench-sizes"
FORGET = ("/bin/sh", "-c", 'du -sb "$0" | cut -f1 >>"$1"; rm -r "$0"', FILE, SIZES)


def chaos_rows():
    """LightVM is all of the mechanisms: chaosd with a pool. In a warm pool the image is loaded, too."""
    network = ("start-chaos; ip address add 10.1.0.1/16 dev xenbr0",)
    noop = System("chaos[NoXS]", "noop", (CHAOS, "create", cfg("noop"), "name=bench-{n}"),
                  destroy=(CHAOS, "destroy", "bench-{n}"), domid=(CHAOS, "domid", "bench-{n}"),
                  probe="ready", prepare=("start-chaos",), color="#67a9cf")
    yield noop
    daytime = replace(noop, guest="daytime", domid=(), probe="ping", prepare=network, color="#2166ac",
                  create=(CHAOS, "create", cfg("daytime"), "name=bench-{n}",
                          'cmdline="ip={ip}/16"'),
                  save=(CHAOS, "save", "bench-{n}", FILE), restore=(CHAOS, "restore", FILE),
                  forget=FORGET)
    yield daytime
    for row in (noop, daytime):
        yield replace(row, system="chaos[XS]", create=(*row.create, XENSTORE),
                      prepare=(f"start-xenstored; {network[0]}",),
                      color="#80cdc1" if row is noop else "#01665e")
    for system, image, bus, shades in (
            ("LightVM", False, "noxs", ("#e66101", "#fdb863")),
            ("LightVM[warm]", True, "noxs", ("#b35806", "#e6ab02")),
            ("chaos[XS+split]", False, "xenstore", ("#8c510a", "#dfc27d"))):
        for row, flavour, color in ((daytime, ("memory=3", "vif=xenbr0"), shades[0]),
                                    (noop, ("memory=1",), shades[1])):
            kernel = (f"kernel={GUESTS}/{row.guest}.elf",) if image else ()
            create = (*row.create, XENSTORE) if bus == "xenstore" else row.create
            yield replace(row, system=system, color=color, create=create, prepare=script(
                "prepare-chaosd.sh", str(POOL), f"bus={bus}", *flavour, *kernel))


def two_host_rows():
    """Two daemons on one host, as tests/whole/migrate.sh has them: host b with a state folder and a bridge of its own."""
    there = ("/usr/bin/env", "CHAOS_RUN_DIR=/run/chaos-b", CHAOS)
    for row in chaos_rows():
        if row.key in ("LightVM/daytime", "chaos[XS+split]/daytime"):
            bus = "xenstore" if XENSTORE in row.create else "noxs"
            text, *arguments = script("prepare-two-hosts.sh", bus, str(POOL), "memory=3", "vif=xenbr0")
            hosts, = script(os.path.join("..", "..", "tests", "whole", "migrate.sh"))
            yield replace(
                row, system=f"{row.system} 2 hosts", prepare=(hosts + text, *arguments),
                migrate=(CHAOS, "migrate", "bench-{n}", "127.0.0.1:8003"), migrated=(*there, "destroy", "bench-{n}"),
                returned=(*there, "migrate", "bench-{n}", "127.0.0.1:8002"))


def client_rows():
    """The daemon asked through the client library: one request after another, with a rest between
    them or without, and by several clients at once."""
    how = (("paced", ("-g", "30000"), False), ("1 client", ("-c", "1"), False),
           ("8 clients", ("-c", "8"), False), ("refill", ("-r",), False), ("8 clients plain", ("-c", "8"), True))
    for row in chaos_rows():
        if row.system.startswith("LightVM"):
            for name, options, plain in how:
                yield replace(row, system=f"{row.system} {name}", client=options, plain=plain)


def moved(row, system, *moves, **changes):
    """A guest with an echo server, and what is done to it while a client is connected."""
    return replace(row, system=system, guest="tcpecho", moves=moves,
                   create=tuple(word.replace("daytime", "tcpecho") for word in row.create), **changes)


def moved_rows():
    rows = {row.key: row for row in (*chaos_rows(), *xl_rows())}
    noxs = rows["chaos[NoXS]/daytime"]
    wait = ("/bin/sleep", "0.02")
    yield moved(noxs, "nothing for 20 ms", wait, color="#999999")
    yield moved(noxs, "chaos pause for 20 ms", (CHAOS, "pause", "bench-{n}"), wait,
                (CHAOS, "unpause", "bench-{n}"), color="#999999")
    for key in ("LightVM/daytime", "chaos[NoXS]/daytime", "chaos[XS]/daytime", "xl/daytime"):
        row = rows[key]
        save = (*row.save[:2], "-c", *row.save[2:])
        yield moved(row, f"{row.system} save -c", save)
        yield moved(row, f"{row.system} save + restore", row.save, row.restore)
    for row in (*two_host_rows(), rows["xl/daytime"]):
        yield moved(row, f"{row.system.removesuffix(' 2 hosts')} migrate", row.migrate)


def xl_rows():
    """xl cannot build a guest of 1 MiB, so its guests have 4."""
    xl = "/usr/sbin/xl"
    for store, option, color in (("xl", "", "#b2182b"), ("xl (oxenstored)", "--ocaml", "#ef8a62")):
        base = System(store, "noop", (xl, "create", cfg("noop"), 'name="bench-{n}"', "memory=4"),
                      destroy=(xl, "destroy", "bench-{n}"),
                      prepare=(f"start-xenstored {option}; ip address add 10.1.0.1/16 dev xenbr0",),
                      color=color)
        yield base
        yield replace(base, guest="daytime", probe="ping", create=(
            xl, "create", cfg("daytime"), 'name="bench-{n}"', "memory=4", 'cmdline="ip={ip}/16"'),
            save=(xl, "save", "bench-{n}", FILE), restore=(xl, "restore", FILE), forget=FORGET,
            migrate=(xl, "migrate", "-s", "", "bench-{n}", f"{xl} migrate-receive"), migrated=base.destroy)


def debian_rows():
    """Debian's kernel, without a change, on the XenStore bus."""
    xl = System("xl", "Debian", (
        "/usr/sbin/xl", "create", cfg("debian"), 'name="bench-{n}"', 'cmdline="quiet ip={ip}/16"'),
        destroy=("/usr/sbin/xl", "destroy", "bench-{n}"), probe="ping",
        prepare=script("prepare-debian.sh"), color="#67001f")
    yield xl
    yield replace(xl, system="chaos[XS]", color="#003c30", destroy=(CHAOS, "destroy", "bench-{n}"),
                  create=(CHAOS, "create", cfg("debian"), "name=bench-{n}",
                          'cmdline="quiet ip={ip}/16"', XENSTORE))


def process_rows():
    for host in ("dom0", "linux"):
        yield System(f"process@{host}", "empty", (f"{BENCH}/bench-empty",), host=host)
        # chaos itself is linked against musl, which starts in less than glibc: the stricter measure.
        yield System(f"process@{host}", "empty-musl", (f"{BENCH}/bench-empty-musl",), host=host,
                     color="#888888")


STAMP = ("stamp", "/bench/stamp")
PACKET = ("udp", "172.17.0.1", "7777")


def container_rows():
    for place, host in (("linux", "linux"), ("dom0", "dom0 with containers")):
        for engine, color in (("crun", "#1b7837"), ("runc", "#7fbf7b")):
            path = f"/usr/bin/{engine}"
            yield System(f"{engine}@{place}", "container",
                         (path, "run", "-d", "--bundle", "/run/bench/bundle", "bench-{n}"),
                         destroy=(path, "delete", "-f", "bench-{n}"), probe="stamp", host=host,
                         prepare=script("prepare-containers.sh"), color=color)
        yield from docker_rows(place, host)


def checkpoint_rows():
    """Containers whose processes CRIU saves and restores, and one that is started anew instead."""
    runc, docker = container("runc@linux/container"), container("docker@linux/none")
    images = ("--image-path", FILE, "--work-path", "/run/bench-criu")
    yield replace(
        runc, system="runc[CRIU]@linux", restored="none", forget=FORGET,
        save=(runc.create[0], "checkpoint", *images, "bench-{n}"),
        restore=(runc.create[0], "restore", "-d", *images, "--bundle", "/run/bench/bundle", "bench-{n}"))
    engine = docker.create[0]
    yield replace(
        docker, system="docker[CRIU]@linux", restored="none",
        prepare=script("prepare-containers.sh", "docker", "experimental"),
        save=(engine, "checkpoint", "create", "bench-{n}", "bench"),
        restore=(engine, "start", "--checkpoint", "bench", "bench-{n}"),
        forget=(engine, "checkpoint", "rm", "bench-{n}", "bench"))
    yield replace(docker, system="docker[stop]@linux", save=(engine, "stop", "bench-{n}"),
                  restore=(engine, "start", "bench-{n}"), color="#e78ac3")


def container(key):
    return next(row for row in container_rows() if row.key == key)


def docker_rows(place, host):
    docker, api = "/usr/bin/docker", (f"{BENCH}/bench-docker-api", DOCKER_SOCKET)
    base = System(f"docker@{place}", "none", (
        docker, "run", "-d", "--name", "bench-{n}", "--network", "none", "-v", "/run/bench:/bench",
        "bench", *STAMP), destroy=(docker, "rm", "-f", "bench-{n}"), probe="stamp", host=host,
        prepare=script("prepare-containers.sh", "docker"), color="#762a83")
    yield base
    yield replace(base, guest="bridge", probe="udp", color="#9970ab", create=(
        docker, "run", "-d", "--name", "bench-{n}", "bench", *PACKET))
    for guest, how, report, probe, color in (
            ("none", '"NetworkDisabled":true,"HostConfig":{"Binds":["/run/bench:/bench"]}', STAMP,
             "stamp", "#c2a5cf"), ("bridge", '"HostConfig":{}', PACKET, "udp", "#e377c2")):
        words = ",".join(f'"{word}"' for word in report)
        yield replace(
            base, system=f"docker-api@{place}", guest=guest, probe=probe, color=color,
            create=(*api, "POST", "/containers/create?name=bench-{n}",
                    f'{{"Image":"bench","Cmd":[{words}],{how}}}',
                    "POST", "/containers/bench-{n}/start", ""),
            destroy=(*api, "DELETE", "/containers/bench-{n}?force=1", ""))


SYSTEMS = {row.key: row for rows in (process_rows(), chaos_rows(), two_host_rows(), client_rows(), xl_rows(),
                                 debian_rows(), container_rows(), checkpoint_rows(), moved_rows())
           for row in rows}

# Beside every figure, from the same run: (row, how often in a full and in a quick run).
BASELINES = (
    ("process@dom0/empty", 200, 50), ("process@linux/empty", 200, 50),
    ("crun@linux/container", 50, 5), ("crun@dom0/container", 20, 3),
    ("runc@linux/container", 50, 5), ("runc@dom0/container", 20, 3),
    ("docker-api@linux/none", 30, 3), ("docker-api@dom0/none", 10, 2),
    ("docker@linux/none", 30, 2), ("docker@dom0/none", 10, 2),
)
