# SPDX-License-Identifier: BSD-3-Clause
"""Keeps a disk image in memory while its host runs. A deterministic host's clock skips the time in which
no processor has anything to do, up to the next timer, and so runs away while QEMU waits for a disk: one
start of python3 from a disk that was not in the page cache took 7 s of virtual time, or a minute."""
import ctypes
import errno
import mmap
import os

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
MAP_FAILED = ctypes.c_void_p(-1).value
CHUNK = 1 << 20


def extents(descriptor, size):
    """(offset, length) of what is stored: the image is sparse."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end - start


def read_once(descriptor, offset, length):
    for at in range(offset, offset + length, CHUNK):
        os.pread(descriptor, CHUNK, at)


def hold(path):
    """For as long as this process lives; who may not lock that much memory has it read, at least."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    size = os.fstat(descriptor).st_size
    address = LIBC.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    for offset, length in extents(descriptor, size):
        if address == MAP_FAILED or LIBC.mlock(address + offset, length) != 0:
            read_once(descriptor, offset, length)
    os.close(descriptor)
