"""What the operating system says of this host and of this process. Whatever it does not say is 0 or left out.

Sizes are bytes, times seconds.
"""

import os
import platform
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SECTOR = 512

#: File systems that are on a disk.
_ON_DISK = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "nfs", "nfs4", "vfat", "apfs"})


@dataclass(frozen=True)
class Memory:
    total: int
    free: int

    @property
    def used(self) -> int:
        return self.total - self.free


@dataclass(frozen=True)
class Disk:
    mount: str
    system: str
    total: int
    free: int


@dataclass(frozen=True)
class Process:
    """`resident` is what is in memory; of it `private` are our own pages, `files` those of files, `shared` the rest."""

    resident: int
    private: int
    files: int
    shared: int
    data: int
    user: float
    system: float
    threads: int


def memory() -> Memory:
    said = _fields("/proc/meminfo")
    return Memory(said.get("MemTotal", 0) * 1024, said.get("MemAvailable", 0) * 1024)


def disks() -> list[Disk]:
    """Each disk once, by the first place where it is mounted."""
    found: dict[str, Disk] = {}
    for line in _text("/proc/mounts").splitlines():
        device, mount, kind, *_ = line.split(" ")
        if kind not in _ON_DISK or device in found:
            continue
        try:
            said = os.statvfs(mount)
        except OSError:
            continue
        if said.f_blocks and not os.path.isfile(mount):
            size = said.f_frsize
            found[device] = Disk(mount, device, said.f_blocks * size, said.f_bavail * size)
    return list(found.values())


def temperatures() -> Iterator[tuple[str, float]]:
    """Sensor and degrees Celsius."""
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        degrees = _text(str(zone / "temp")).strip()
        if degrees.lstrip("-").isdigit():
            yield _text(str(zone / "type")).strip() or zone.name, int(degrees) / 1000


def processor() -> tuple[str, float]:
    """Its name, and its speed in MHz."""
    known: dict[str, str] = {}
    for line in _text("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        known.setdefault(name.strip(), value.strip())
    try:
        speed = float(known.get("cpu MHz", "0"))
    except ValueError:
        speed = 0.0
    return known.get("model name") or platform.processor() or platform.machine(), speed


def uptime() -> float:
    """Seconds since the host was started."""
    said = _text("/proc/uptime").split()
    return float(said[0]) if said else time.monotonic()


def cpu_ticks() -> tuple[int, int]:
    """Busy ones, and all, of all processors since the host was started."""
    ticks = [int(each) for each in _text("/proc/stat").partition("\n")[0].split()[1:9]]
    idle = sum(ticks[3:5])
    return sum(ticks) - idle, sum(ticks)


def disk_bytes() -> tuple[int, int]:
    """Read and written since the host was started, by all disks."""
    read = written = 0
    for line in _text("/proc/diskstats").splitlines():
        _, _, name, _, _, sectors_read, _, _, _, sectors_written, *_ = line.split()
        if not name.startswith(("loop", "ram", "dm-")) and Path("/sys/block", name).exists():
            read, written = read + int(sectors_read) * _SECTOR, written + int(sectors_written) * _SECTOR
    return read, written


def process() -> Process:
    """This one."""
    said = _fields("/proc/self/status")
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Process(
        resident=said.get("VmRSS", 0) * 1024,
        private=said.get("RssAnon", 0) * 1024,
        files=said.get("RssFile", 0) * 1024,
        shared=said.get("RssShmem", 0) * 1024,
        data=said.get("VmData", 0) * 1024,
        user=used.ru_utime,
        system=used.ru_stime,
        threads=said.get("Threads", 1),
    )


def load() -> list[float]:
    """Of 1, 5 and 15 minutes."""
    try:
        return [round(each, 2) for each in os.getloadavg()]
    except OSError:
        return [0.0, 0.0, 0.0]


def _fields(path: str) -> dict[str, int]:
    """The lines that are a name and a number, whatever its unit."""
    found = {}
    for line in _text(path).splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            found[name] = int(number[0])
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
