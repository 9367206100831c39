# SPDX-License-Identifier: BSD-3-Clause
"""The emulated host that a series runs on."""
import contextlib
import os
import subprocess
import threading

from lib.origin import ROOT

XENHOST = os.path.join(ROOT, "tests", "host", "xenhost")
LIFE_S = 12 * 3600
active = set()  # names of the hosts that are up
spent = threading.local()  # cpu_s: processor time of the hosts that a thread has had, if it set it to 0

# What `xenhost up` is told for each kind of host.
KINDS = {
    "dom0": (),
    "dom0 with containers": ("--containers",),
    "linux": ("--linux", "--containers", "--bare"),
}


class HostError(Exception):
    """A command on the host, or the host itself, failed; output: what the command had printed."""

    output = ""


def xenhost(*arguments):
    done = subprocess.run([XENHOST, *arguments], check=False, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True,
                          env={**os.environ, "XENHOST_LIFE": str(LIFE_S)})
    if done.returncode:
        raise HostError(f"xenhost {' '.join(arguments)}: exit status {done.returncode}")
    return done.stdout


def remove(name):
    subprocess.run([XENHOST, "down", "--name", name], check=False, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def remove_all():
    """When a run is interrupted; what its threads wait for then fails."""
    for name in list(active):
        remove(name)


class Host:
    """A host of its own, deterministic unless plain, gone at the end of the with block."""

    def __init__(self, name, kind="dom0", mem_gib=4, plain=False):
        self.name = name
        self.arguments = [*KINDS[kind], "--mem", str(mem_gib)] + (["--plain"] if plain else [])

    def __enter__(self):
        remove(self.name)
        active.add(self.name)
        try:
            xenhost("up", "--name", self.name, *self.arguments)
        except HostError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(HostError):
            if hasattr(spent, "cpu_s"):
                spent.cpu_s += self.cpu_s()
        active.discard(self.name)
        remove(self.name)

    def cpu_s(self):
        """Processor time that this machine has spent on it; 0 when it is not up."""
        for line in xenhost("list").splitlines():
            name, *words = line.split("\t")
            for word in words if name == self.name else []:
                if word.startswith("cpu "):
                    return float(word.split()[1])
        return 0

    def exec(self, *command, timeout_s=LIFE_S):
        """Runs command in dom0 and returns its standard output."""
        done = subprocess.run(
            [XENHOST, "exec", "--name", self.name, "--timeout", str(timeout_s), "--", *command],
            check=False, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if done.returncode:
            error = HostError(f"on the host: {' '.join(command)}: exit status {done.returncode}\n"
                              + done.stdout)
            error.output = done.stdout
            raise error
        return done.stdout

    def shell(self, script, *arguments):
        """Runs a shell script in dom0."""
        return self.exec("sh", "-ec", script, "prepare", *arguments)
