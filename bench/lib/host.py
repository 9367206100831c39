# SPDX-License-Identifier: BSD-3-Clause
"""The emulated host that a series runs on."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
XENHOST = os.path.join(ROOT, "tests", "host", "xenhost")


class HostError(Exception):
    """A command on the host, or the host itself, failed."""


class Host:
    """A freshly restored deterministic host, gone at the end of the with block."""

    def __init__(self, name, mem_gib=4):
        self.name = name
        self.mem_gib = mem_gib

    def __enter__(self):
        subprocess.run([XENHOST, "down", "--name", self.name], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._xenhost("up", "--name", self.name, "--mem", str(self.mem_gib))
        return self

    def __exit__(self, *_):
        subprocess.run([XENHOST, "down", "--name", self.name], check=False,
                       stdout=subprocess.DEVNULL)

    @staticmethod
    def _xenhost(*arguments):
        done = subprocess.run([XENHOST, *arguments], check=False, stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True)
        if done.returncode:
            raise HostError(f"xenhost {arguments[0]}: exit status {done.returncode}")
        return done.stdout

    def exec(self, *command, timeout_s=3600):
        """Runs command in dom0 and returns its standard output."""
        try:
            done = subprocess.run(
                [XENHOST, "exec", "--name", self.name, "--timeout", str(timeout_s), "--", *command],
                check=False, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        except KeyboardInterrupt:
            sys.exit(130)
        if done.returncode:
            raise HostError(f"on the host: {' '.join(command)}: exit status {done.returncode}\n"
                            + done.stdout)
        return done.stdout

    def shell(self, script, timeout_s=3600):
        """Runs a shell script in dom0."""
        return self.exec("sh", "-ec", script, timeout_s=timeout_s)
