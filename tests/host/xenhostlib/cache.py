# SPDX-License-Identifier: BSD-3-Clause
"""A store of built things, each under the hash of what it was made from.

Several source trees may use it at once: an entry is built under a lock and appears by a rename.
"""
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import time

from .common import CACHE, HostError, Stopwatch, note


def digest(*parts):
    """A key from strings, byte strings and files (path objects: their content counts)."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, os.PathLike):
            data = part.read_bytes()
        else:
            data = part if isinstance(part, bytes) else str(part).encode()
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:20]


UNUSED_DAYS = 7


def prune():
    """Removes what nobody asked for in a while; it can be built again."""
    for folder in (CACHE / "store").glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            if folder.stat().st_mtime < time.time() - UNUSED_DAYS * 86400:
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def lock(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def entry(kind, key, build, title):
    """The folder of an entry; `build(folder, log)` fills it when it is not there yet."""
    final = CACHE / "store" / kind / key
    if final.is_dir():
        os.utime(final)
        return final
    with lock(CACHE / "lock" / f"{kind}-{key}"):
        if final.is_dir():
            return final
        partial = final.with_name(key + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        log = CACHE / "log" / f"{kind}-{key}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        watch = Stopwatch()
        note(f"{title} ...")
        with open(log, "w", encoding="utf-8") as stream:
            build(partial, stream)
        partial.rename(final)
        note(f"{title}: {watch}")
    prune()
    return final


def run(log, *command, **options):
    """Runs a step of a build; its output goes to the log, whose end is shown if it fails."""
    log.write("$ " + " ".join(str(word) for word in command) + "\n")
    log.flush()
    try:
        subprocess.run(command, stdout=options.pop("stdout", log), stderr=log, check=True,
                       stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError as error:
        raise HostError(f"{command[0]}: not installed; run ./bootstrap.sh build, or install what "
                        "tests/host/packages lists") from error
    except subprocess.CalledProcessError as error:
        log.flush()
        with open(log.name, encoding="utf-8", errors="replace") as stream:
            tail = "".join(stream.readlines()[-15:])
        raise HostError(f"{command[0]} failed with status {error.returncode}; the whole log is "
                        f"{log.name}, it ends with:\n{tail}") from error
