"""What sessions cost, and how fast they come back, against the sandbox network: `make bench`.

Prints figures taken in one run on this machine; nothing is asserted.
"""

import contextlib
import http.client
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

STAGES = (20, 40, 50)
IDLE_SECONDS = 10

#: What the first session knows when lists are asked for, and how often they are.
GROUPS, CONTACTS, CALLS = 50, 200, 200


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warest-bench-"))
    product = Product(folder)
    try:
        product.start()
        link_first(product)
        linked = 1
        for stage in STAGES:
            for number in range(linked, stage):
                product.link(f"s{number}", f"6281500000{number:02}")
            linked = stage
            report_cost(product, stage)
        report_lists(product)
        report_kill(product)
        report_cold_start(product, linked)
        print(f"sandbox violations: {len(product.violations())}")
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def link_first(product: Product) -> None:
    """One with an address book and with groups."""
    phone, friends = "628150000000", [f"6281600{number:05}" for number in range(CONTACTS)]
    product.sandbox("POST", "/phones", json={"phone": phone, "name": "s0"})
    for friend in friends:
        product.sandbox("POST", "/phones", json={"phone": friend, "name": friend})
        product.sandbox("POST", f"/phones/{phone}/contacts", json={"phone": friend, "name": f"Friend {friend}"})
    for number in range(GROUPS):
        told = {"name": f"Group {number}", "by": phone, "members": friends[number : number + 20]}
        product.sandbox("POST", "/groups", json=told)
    product.scan("s0", phone)


def report_cost(product: Product, count: int) -> None:
    """Memory as the kernel shares it out (PSS), and processor time while nothing happens."""
    pids = session_pids(product)
    began, before = time.monotonic(), sum(map(ticks, pids))
    time.sleep(IDLE_SECONDS)
    share = (sum(map(ticks, pids)) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
    memory = sum(map(pss, pids)) / count
    print(f"{count} idle sessions: {memory:.1f} MB PSS and {100 * share / count:.2f} % of a core each")


def report_lists(product: Product) -> None:
    """Of the first session, one call after the other, while all sessions are open."""
    lists = {
        "session list": "/session/list",
        "group list": "/groups?sessionId=s0",
        "contact list": "/profile/list-contacts?sessionId=s0&limit=1000",
    }
    eventually(lambda: len(told_by(product, lists["contact list"])) >= CONTACTS, within=60)
    eventually(lambda: len(told_by(product, lists["group list"])) == GROUPS, within=60)
    for what, path in lists.items():
        taken = sorted(timed(product, path))
        p50, p95 = (taken[CALLS * share // 100] * 1000 for share in (50, 95))
        print(f"{what}: p50 {p50:.1f}, p95 {p95:.1f} ms (n = {CALLS})")


def told_by(product: Product, path: str) -> list[object]:
    answer = product.api("GET", path)
    assert answer["status"], answer
    return list(answer["results"][0]["data"])


def timed(product: Product, path: str) -> list[float]:
    """How long each call takes, s."""
    taken: list[float] = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", product.port)) as connection:
        for _ in range(CALLS):
            began = time.perf_counter()
            connection.request("GET", f"/api/v1{path}", headers={"X-WAREST-API-KEY": product.key})
            connection.getresponse().read()
            taken.append(time.perf_counter() - began)
    return taken


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
