# SPDX-License-Identifier: BSD-3-Clause
"""What a host boots: hypervisor, kernel with headers, root file system image, initramfs."""
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import tarfile

from . import cache
from .common import CACHE, HERE, TREE, HostError

SUITE = "bookworm"
MIRROR = os.environ.get("CHAOS_MIRROR", "http://deb.debian.org/debian")
SECURITY = os.environ.get("CHAOS_SECURITY_MIRROR", "http://deb.debian.org/debian-security")

# What the initramfs loads, in this order, to reach the root file system.
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")

# Folders of the kernel package whose modules dom0 can load.
DOM0_MODULES = (
    "arch/x86/crypto", "crypto", "lib", "fs/ext4", "fs/jbd2", "fs/mbcache.ko", "fs/configfs", "fs/overlayfs",
    "fs/fuse", "drivers/virtio", "drivers/block/virtio_blk.ko", "drivers/block/loop.ko", "drivers/block/null_blk",
    "drivers/block/xen-blkback", "drivers/block/xen-blkfront.ko", "drivers/char/virtio_console.ko",
    "drivers/char/hw_random", "drivers/net/virtio_net.ko", "drivers/net/net_failover.ko", "drivers/net/tun.ko",
    "drivers/net/tap.ko", "drivers/net/veth.ko", "drivers/net/dummy.ko", "drivers/net/macvlan.ko",
    "drivers/net/xen-netback", "drivers/net/xen-netfront.ko", "drivers/net/vxlan", "drivers/xen", "net/802", "net/8021q",
    "net/bridge", "net/core", "net/ipv4", "net/ipv6", "net/llc", "net/netfilter", "net/packet",
    "net/sched", "net/unix",
)


def xen():
    """The folder with the hypervisor's ELF, `xen`."""
    folder = TREE / "xen-patches"
    series = folder / "series"
    names = []
    if series.exists():
        lines = (line.split("#")[0].strip() for line in series.read_text().splitlines())
        names = [line for line in lines if line]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise HostError(f"xen-patches/series names {missing[0]}, which does not exist")
    key = cache.digest(folder / "BASE", folder / "build.sh", *(folder / name for name in names))

    def build(target, log):
        cache.run(log, folder / "build.sh", target / "xen")

    return cache.entry("xen", key, build, f"Xen hypervisor, {len(names)} patches (about 90 s)")


def stock_xen():
    """The same for Debian's own package of the version that our series applies to."""
    base = (TREE / "xen-patches/BASE").read_text()
    version = re.search(r"^package xen (\S+)", base, re.MULTILINE).group(1)

    def build(target, log):
        cache.run(log, HERE / "debget", "download", f"xen-hypervisor-4.17-amd64={version}",
                  cwd=target)
        package = next(target.glob("*.deb"))
        cache.run(log, "dpkg-deb", "-x", package, target / "work")
        with gzip.open(target / "work/boot/xen-4.17-amd64.gz") as packed:
            (target / "xen").write_bytes(packed.read())
        shutil.rmtree(target / "work")
        package.unlink()

    return cache.entry("xen", cache.digest("stock 1", version), build, f"Debian's Xen {version}")


def debget(*words):
    """Standard output of a query."""
    try:
        return subprocess.run([HERE / "debget", *words], check=True, capture_output=True,
                              text=True).stdout
    except subprocess.CalledProcessError as error:
        raise HostError(f"debget {' '.join(words)} failed; is the network there? "
                        + error.stderr.strip().splitlines()[-1]) from error


def dependency(package, pattern):
    found = re.search(f"Depends: ({pattern})", debget("depends", package))
    if not found:
        raise HostError(f"{package} has no dependency {pattern}; the mirror is not as expected")
    return found.group(1)


def kernel_package():
    """Release and version of the kernel; kept, so that the mirror is asked only once."""
    pin = CACHE / "kernel-package"
    if not pin.exists():
        package = dependency("linux-image-amd64", r"linux-image-\S+")
        version = debget("versions", package).split("|")[1].strip()
        pin.parent.mkdir(parents=True, exist_ok=True)
        pin.write_text(f"{package.removeprefix('linux-image-')} {version}\n")
    return pin.read_text().split()


def kernel():
    """The folder with the unpacked kernel packages: `vmlinuz`, `lib/modules`, `usr/src`."""
    try:
        return fetch_kernel()
    except HostError:
        # The mirror may have moved on to the next one: forget what we knew of it, try again.
        (CACHE / "kernel-package").unlink(missing_ok=True)
        subprocess.run([HERE / "debget", "refresh"], check=False, capture_output=True)
        return fetch_kernel()


def fetch_kernel():
    release, version = kernel_package()

    def build(target, log):
        headers = f"linux-headers-{release}"
        packages = [f"{name}={version}" for name in (f"linux-image-{release}", headers,
                                                     dependency(headers, r"linux-headers-\S+"))]
        packages.append(dependency(headers, r"linux-kbuild-\S+"))
        cache.run(log, HERE / "debget", "download", *packages, cwd=target)
        for deb in target.glob("*.deb"):
            cache.run(log, "dpkg-deb", "-x", deb, target)
            deb.unlink()
        relocate_headers(target)
        (target / f"boot/vmlinuz-{release}").rename(target / "vmlinuz")

    return cache.entry("kernel", cache.digest("kernel 2", release, version), build,
                       f"kernel {release}")


def kernel_headers():
    """The folder to give to an out-of-tree module's build as KDIR."""
    return kernel() / f"usr/src/linux-headers-{kernel_package()[0]}"


def relocate_headers(target):
    """The header packages name each other by absolute path; make that this folder's."""
    final = str(target).removesuffix(".partial")
    for path in (target / "usr").rglob("*"):
        if path.is_symlink():
            link = os.readlink(path)
            if link.startswith("/usr/"):
                path.unlink()
                path.symlink_to(final + link)
        elif path.name in ("Makefile", ".kernelvariables") and path.parent.parent.name == "src":
            path.write_text(re.sub(r"(?<![\w/])/usr/(src|lib)/", rf"{final}/usr/\1/",
                                   path.read_text()))


def listed(path):
    """The words of a list with one a line, and comments."""
    words = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [word for word in words if word]


# What dom0 can have besides its own: a folder each, with `packages` and start-* scripts.
ADDITIONS = {"containers": "container engines", "systemd": "systemd"}


def rootfs(additions):
    """The folder with `rootfs.tar`: Debian's packages that dom0 has, untouched."""
    packages = [package for name in ("dom0", *additions)
                for package in listed(HERE / name / "packages")]

    def build(target, log):
        options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*"
                    for name in ("doc", "man", "locale", "info")]
        if "CHAOS_MIRROR" in os.environ:  # an archive's lists have expired
            options.append('--aptopt=Acquire::Check-Valid-Until "false"')
        sources = [f"deb {MIRROR} {SUITE} main", f"deb {MIRROR} {SUITE}-updates main",
                   f"deb {SECURITY} {SUITE}-security main"]
        cache.run(log, "mmdebstrap", "--variant=minbase", "--include=" + ",".join(packages),
                  *options, SUITE, target / "rootfs.tar", *sources)

    key = cache.digest("rootfs 1", SUITE, *packages)
    return cache.entry("rootfs", key, build, "dom0 root file system (about 30 s)")


def scripts(additions):
    """Our own files in /usr/local/sbin of dom0."""
    return sorted(path for name in ("dom0", *additions) for path in (HERE / name).glob("*")
                  if path.name == "dom0-init" or path.name.startswith("start-"))


def image(additions=()):
    """The folder with dom0's disk `root.img` and `initrd.gz`."""
    sources = [HERE / "agent.c", HERE / "make-image", HERE / "dom0/initramfs-init",
               *scripts(additions)]
    packages, linux = rootfs(additions), kernel()
    key = cache.digest(packages.name, linux.name, *INITRAMFS_MODULES, *DOM0_MODULES, *sources)

    def build(target, log):
        work = target / "work"
        work.mkdir()
        cache.run(log, "gcc", "-std=c11", "-O2", "-static", "-Wall", "-Wextra", "-Werror",
                  "-o", work / "xenhost-agent", HERE / "agent.c", "-lutil")
        release = kernel_package()[0]
        copy_modules(linux / f"lib/modules/{release}", work / "modules/lib/modules" / release)
        cache.run(log, "depmod", "-b", work / "modules", release)
        (work / "boot").mkdir()
        shutil.copy(linux / "vmlinuz", work / "boot")
        (work / "boot/vmlinux").write_bytes(unpacked_kernel((linux / "vmlinuz").read_bytes()))
        make_initrd(target, work, packages / "rootfs.tar", release, log)
        command = [HERE / "make-image", packages / "rootfs.tar", work, target / "root.img",
                   *scripts(additions)]
        if os.geteuid() != 0:
            command.insert(0, "fakeroot")
        cache.run(log, *command)
        shutil.rmtree(work)

    title = " with ".join(["dom0 disk image", *(ADDITIONS[name] for name in additions)])
    return cache.entry("image", key, build, title)


def unpacked_kernel(image):
    """The ELF file in a bzImage that is compressed with xz, as Debian's are."""
    setup_sectors = image[0x1f1]
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    try:
        return lzma.LZMADecompressor().decompress(image[start:start + length])
    except lzma.LZMAError as error:
        raise HostError(f"the kernel's bzImage is not as expected: {error}") from error


def copy_modules(source, target):
    for name in DOM0_MODULES:
        origin = source / "kernel" / name
        destination = target / "kernel" / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, destination, dirs_exist_ok=True)
        elif origin.exists():
            shutil.copy2(origin, destination)
    for path in source.glob("modules.*"):
        shutil.copy2(path, target)


def module_order(modules, release, log):
    """Paths of the initramfs's modules, each after what it depends on."""
    order = []
    for name in INITRAMFS_MODULES:
        shown = subprocess.run(
            ["modprobe", "-d", modules, "-S", release, "--ignore-install", "--show-depends", name],
            check=True, stdout=subprocess.PIPE, stderr=log, text=True).stdout
        for line in shown.splitlines():
            verb, path = line.split()[:2]
            if verb == "insmod" and path not in order:
                order.append(path)
    return order


def make_initrd(target, work, tar, release, log):
    top = work / "initramfs"
    for folder in ("bin", "proc", "sys", "dev", "root", "modules"):
        (top / folder).mkdir(parents=True)
    with tarfile.open(tar) as archive, open(top / "bin/busybox", "wb") as stream:
        name = next(n for n in ("./usr/bin/busybox", "./bin/busybox") if n in archive.getnames())
        shutil.copyfileobj(archive.extractfile(name), stream)
    (top / "bin/busybox").chmod(0o755)
    shutil.copy2(HERE / "dom0/initramfs-init", top / "init")
    order = module_order(work / "modules", release, log)
    for path in order:
        shutil.copy2(path, top / "modules")
    names = [os.path.basename(path) for path in order]
    (top / "modules/order").write_text("\n".join(names) + "\n")
    listing = "\n".join(str(path.relative_to(top)) for path in sorted(top.rglob("*")))
    packed = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=top,
                            input=listing.encode(), stdout=subprocess.PIPE, stderr=log, check=True)
    (target / "initrd.gz").write_bytes(gzip.compress(packed.stdout, 6, mtime=0))
