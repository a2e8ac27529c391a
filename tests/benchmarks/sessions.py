"""What sessions cost, and how fast they come back, against the sandbox network: `make bench`.

Prints figures taken in one run on this machine; nothing is asserted.
"""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import redis

from support.product import Product
from support.waiting import eventually
from warest import keys

STAGES = (20, 40)
IDLE_SECONDS = 10


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warest-bench-"))
    product = Product(folder)
    try:
        product.start()
        linked = 0
        for stage in STAGES:
            for number in range(linked, stage):
                product.link(f"s{number}", f"6281500000{number:02}")
            linked = stage
            report_cost(product, stage)
        report_kill(product)
        report_cold_start(product, linked)
        print(f"sandbox violations: {len(product.violations())}")
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def report_cost(product: Product, count: int) -> None:
    """Memory as the kernel shares it out (PSS), and processor time while nothing happens."""
    pids = session_pids(product)
    began, before = time.monotonic(), sum(map(ticks, pids))
    time.sleep(IDLE_SECONDS)
    share = (sum(map(ticks, pids)) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
    memory = sum(map(pss, pids)) / count
    print(f"{count} idle sessions: {memory:.1f} MB PSS and {100 * share / count:.2f} % of a core each")


def report_kill(product: Product) -> None:
    """From SIGKILL of a session's process until it is open again."""
    killed = product.session_pid("s0")
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: product.session_pid("s0") not in (0, killed))
    product.wait_open("s0")
    print(f"SIGKILL of a session to open again: {time.monotonic() - began:.1f} s")


def report_cold_start(product: Product, count: int) -> None:
    """From `warest up` until every session is open."""
    product.stop()
    began = time.monotonic()
    product.start()
    items = eventually(lambda: all_open(product, count), within=120)
    print(f"cold start until {len(items)} sessions are open: {time.monotonic() - began:.1f} s")


def all_open(product: Product, count: int) -> list[object]:
    items = product.api("GET", "/session/list")["results"][0]["items"]
    return list(items) if len(items) == count and all(item["state"] == "open" for item in items) else []


def session_pids(product: Product) -> list[int]:
    with redis.Redis(unix_socket_path=str(product.data / "redis.sock")) as client:
        return [int(client.hget(key, "pid") or 0) for key in client.scan_iter(keys.session_state("*"))]


def pss(pid: int) -> float:
    """MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def ticks(pid: int) -> int:
    """Processor time so far, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    main()
