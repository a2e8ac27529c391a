"""How fast events reach their receivers, and what a slow and a dead one cost the others: `make bench`.

Events are published as a session process does it, on the running product. Prints percentiles in milliseconds, all taken
in one run; nothing is asserted.
"""

import asyncio
import contextlib
import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from support.figures import heard, percentile, show
from support.product import Product, free_port
from support.waiting import eventually
from warest import events, ids, store
from warest.config import house, settings
from warest.store import SessionRecord

#: Sessions that events are of, and endpoints that each event goes to.
SESSIONS, ENDPOINTS = 10, 8

#: Latency: events a second, for so many seconds, with good ones and with bad ones in turn, so often.
RATE, SECONDS, ROUNDS = 10, 6, 4

#: Throughput: events that are all there at once, and what a receiver then takes to answer, s.
BURST, TAKES = 1_000, 0.1


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warest-bench-"))
    product = Product(folder)
    try:
        product.start()
        with receiver() as (port, arrivals):
            report(Bench(product, port, arrivals))
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def report(bench: "Bench") -> None:
    fast = [bench.endpoint(f"fast/{number}") for number in range(ENDPOINTS)]
    others = [bench.endpoint("other/0"), bench.endpoint("other/1")]
    bench.latencies()  # to warm up
    good: list[float] = []
    bad: list[float] = []
    for _ in range(ROUNDS):
        bench.point(others, "other/0", "other/1")
        good += bench.latencies()
        bench.point(others, "never", "fails")
        bad += bench.latencies()
    show(f"{ENDPOINTS} of {ENDPOINTS + 2} endpoints, {RATE} events/s", good)
    show("the same, when one of the others never answers and one always fails", bad)
    for share in (50, 95):
        print(f"  p{share}: {percentile(bad, share) / percentile(good, share) * 100 - 100:+.0f} %")
    for each in (*fast, *others):
        bench.forget(each)
    for number in range(ENDPOINTS):
        bench.endpoint(f"slow/{number}")
    bench.throughput()


class Bench:
    """Publishes on a product, and hears of what arrives."""

    def __init__(self, product: Product, port: int, arrivals: Connection) -> None:
        self._product = product
        self._port = port
        self._arrivals = heard(arrivals)
        product.environment |= {"WAREST_DATA_DIR": str(product.data)}
        current = settings.Settings(
            data_dir=product.data, redis_url=f"unix://{product.data}/redis.sock", db_sqlite_path=None
        )
        self._bus = house.connect(current).bus
        opened = store.open(store.Sqlite(product.data / "warest.sqlite"))
        admin = opened.account("admin")
        assert admin
        self._sessions: list[SessionRecord] = [opened.create_session(admin, f"s{n}") for n in range(SESSIONS)]
        for each in self._sessions:  # nobody shall run them
            opened.set_auto_start(admin, each.ulid, False)

    def endpoint(self, path: str) -> str:
        url = f"http://127.0.0.1:{self._port}/{path}"
        return str(self._product.api("POST", "/webhooks", json={"url": url})["results"][0]["id"])

    def point(self, endpoints: list[str], *paths: str) -> None:
        for endpoint, path in zip(endpoints, paths, strict=True):
            self._product.api("PATCH", f"/webhooks/{endpoint}", json={"url": f"http://127.0.0.1:{self._port}/{path}"})

    def forget(self, endpoint: str) -> None:
        self._product.api("DELETE", f"/webhooks/{endpoint}")

    def latencies(self) -> list[float]:
        """From the moment before it is published to the arrival at each fast receiver."""
        start, sent = time.perf_counter(), set[str]()
        for number in range(RATE * SECONDS):
            time.sleep(max(0.0, start + number / RATE - time.perf_counter()))
            sent.add(self._publish(number))
        return [at - published for published, at in self._collect(sent, "fast")]

    def throughput(self) -> None:
        began = time.time()
        came = self._collect({self._publish(number) for number in range(BURST)}, "slow")
        taken = came[-1][1] - began
        print(f"{BURST * ENDPOINTS} deliveries to receivers that take {TAKES * 1000:g} ms: {len(came) / taken:.0f}/s")
        middle = [at for _, at in came[len(came) // 4 : 3 * len(came) // 4]]
        print(f"  the middle half of them: {len(middle) / (middle[-1] - middle[0]):.0f}/s")

    def _publish(self, number: int) -> str:
        """A session's text, of the usual size."""
        record = self._sessions[number % SESSIONS]
        told = {"tags": "text", "text": "x" * 300, "message": {"key": {"id": "x" * 200}}, "published": time.time()}
        event = events.make_now(record.identity, events.MESSAGE_RECEIVED, told, event_id=ids.new_event_id())
        self._bus.publish(record.identity, event)
        return event.id

    def _collect(self, sent: set[str], kind: str) -> list[tuple[float, float]]:
        """When each was published and when it came, for the first arrival of each at each receiver of a kind."""
        came: dict[tuple[str, str], tuple[float, float]] = {}
        while len(came) < len(sent) * ENDPOINTS:
            path, id, published, at = self._arrivals.get(timeout=60)
            if id in sent and path.startswith(f"/{kind}"):
                came.setdefault((path, id), (published, at))
        return list(came.values())


@contextlib.contextmanager
def receiver() -> Iterator[tuple[int, Connection]]:
    """All receivers, in a process of their own."""
    ours, theirs = multiprocessing.Pipe()
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=receive, args=(port, theirs), daemon=True)
    process.start()
    eventually(lambda: ours.poll() and ours.recv() == "ready")
    yield port, ours
    process.kill()
    process.join()


def receive(port: int, arrivals: Connection) -> None:
    asyncio.run(_serve(port, arrivals))


async def _serve(port: int, arrivals: Connection) -> None:

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                length = next(
                    int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
                )
                told: dict[str, Any] = json.loads(await reader.readexactly(length))
                arrivals.send((path, told["data"]["eventId"], told["data"].get("published", 0.0), time.time()))
                if path == "/never":
                    await asyncio.sleep(3600)
                await asyncio.sleep(TAKES if path.startswith("/slow") else 0)
                status = b"500 No" if path == "/fails" else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    arrivals.send("ready")
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    main()
