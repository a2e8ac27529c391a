"""Latency and throughput of the whole way, against the sandbox network: `make bench`.

Prints percentiles in milliseconds, all taken in one run on this machine; nothing is asserted. The bare engine sends
beside the product in the same rounds, so that their difference is WAREST's own.
"""

import contextlib
import http.client
import json
import multiprocessing
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from support.figures import heard, percentile, show
from support.product import Product, free_port
from support.waiting import eventually

#: Sends start this far apart, s, in both: back to back, the engine's own work for one would delay the next.
ROUNDS, SENDS_A_ROUND, SEND_EVERY = 10, 20, 0.02
STEADY_RATES, STEADY_SECONDS = (25, 100), 10
BURST = 500

#: One after the other, as fast as the answers come.
SENDS, CLIENTS = 400, 8

OURS, BARE, CONTACT = "628110000001", "628110000002", "628110000003"

#: Message ids, and when each came, epoch s.
Arrivals = queue.Queue[tuple[str, float]]

#: Session -> phone, beside `ours`.
MORE = {"second": "628110000004", "third": "628110000005", "fourth": "628110000006"}


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warest-bench-"))
    product = Product(folder)
    try:
        product.start()
        with receiver() as (url, arrivals):
            product.sandbox("POST", "/phones", json={"phone": CONTACT, "name": "Contact"})
            product.link("ours", OURS, url)
            report_sends(product)
            for rate in STEADY_RATES:
                report_steady(product, arrivals, rate)
            report_burst(product, arrivals)
            report_throughput(product)
        print(f"sandbox violations: {len(product.violations())}")
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def report_sends(product: Product) -> None:
    """send/text over HTTP against the bare engine, in turn."""
    ours: list[float] = []
    bare: list[float] = []
    with bare_engine(product) as engine, api(product) as call:
        for _ in range(ROUNDS):
            engine.send((SENDS_A_ROUND, SEND_EVERY))
            bare += engine.recv()
            for number in range(SENDS_A_ROUND):
                time.sleep(SEND_EVERY)
                began = time.perf_counter()
                answer = call({"sessionId": "ours", "to": CONTACT, "message": f"text {number}"})
                ours.append(time.perf_counter() - began)
                assert answer["code"] == 1000, answer
    show("send/text, bare engine", bare)
    show("send/text over HTTP", ours)
    for name, share in (("p50", 50), ("p95", 95)):
        print(f"  overhead {name}: {(percentile(ours, share) - percentile(bare, share)) * 1000:.1f} ms")


def report_steady(product: Product, arrivals: Arrivals, rate: int) -> None:
    """From the phone's send to the receiver, at a steady rate."""
    sent: dict[str, float] = {}
    with phone(product) as send:
        start = time.perf_counter()
        for number in range(rate * STEADY_SECONDS):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            began = time.time()
            sent[send(f"steady {number}")] = began
    came = collect(arrivals, len(sent))
    show(f"inbound text to webhook at {rate}/s", [at - sent[id] for id, at in came])


def report_burst(product: Product, arrivals: Arrivals) -> None:
    """From the first send to the last arrival, and whether the order held."""
    began = time.time()
    with phone(product) as send:
        sent = [send(f"burst {number}") for number in range(BURST)]
    sending = time.time() - began
    came = collect(arrivals, BURST)
    taken = came[-1][1] - began
    order = "in order" if [id for id, _ in came] == sent else "OUT OF ORDER"
    print(
        f"burst of {BURST} inbound texts: all at the receiver, {order}, {BURST / taken:.0f}/s"
        f" (the phone sent at {BURST / sending:.0f}/s)"
    )


def report_throughput(product: Product) -> None:
    """send/text without a pause: by one client, by several on one session, and by as many on four."""
    for name, phone in MORE.items():
        product.link(name, phone)
    for clients, sessions in ((1, ["ours"]), (CLIENTS, ["ours"]), (CLIENTS, ["ours", *MORE])):
        names = (sessions * clients)[:clients]
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            running = [pool.submit(back_to_back, product, name, SENDS // clients) for name in names]
            taken = [seconds for each in running for seconds in each.result()]
        rate = len(taken) / (time.perf_counter() - began)
        show(f"send/text, {clients} client(s) on {len(sessions)} session(s): {rate:.0f}/s", taken)


def back_to_back(product: Product, session: str, count: int) -> list[float]:
    """How long each send took, s."""
    taken: list[float] = []
    with api(product) as call:
        for number in range(count):
            began = time.perf_counter()
            answer = call({"sessionId": session, "to": CONTACT, "message": f"text {number}"})
            taken.append(time.perf_counter() - began)
            assert answer["code"] == 1000, answer
    return taken


@contextlib.contextmanager
def api(product: Product) -> Iterator[Any]:
    """Call send/text over one connection that is kept alive."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", product.port)) as connection:
        headers = {"X-WAREST-API-KEY": product.key, "Content-Type": "application/json"}
        yield lambda body: post(connection, "/api/v1/messages/send/text", body, headers)


@contextlib.contextmanager
def phone(product: Product) -> Iterator[Any]:
    """Send a text as the contact to our session; answers the message id."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", product.sandbox_port)) as connection:
        path = f"/phones/{CONTACT}/messages"
        yield lambda text: post(connection, path, {"to": OURS, "text": text}, {})["id"]


def post(connection: http.client.HTTPConnection, path: str, body: Any, headers: dict[str, str]) -> Any:
    connection.request("POST", path, json.dumps(body), headers)
    return json.loads(connection.getresponse().read())


@contextlib.contextmanager
def bare_engine(product: Product) -> Iterator[Connection]:
    """A client of the engine alone, linked to the same network; sends N texts for each (N, pause) that it gets."""
    address = ("127.0.0.1", free_port())
    with Listener(address) as door:
        network = product.sandbox("GET", "/network")
        (product.folder / "ca.pem").write_text(network["ca"])
        environment = product.environment | {
            "HTTPS_PROXY": f"http://127.0.0.1:{product.sandbox_port}",
            "SSL_CERT_FILE": str(product.folder / "ca.pem"),
            "NEONIZE_BOT_TAG": "off",
        }
        script = Path(__file__).with_name("bare_engine.py")
        command = [sys.executable, str(script), str(address[1]), network["noiseRoot"], str(product.folder), CONTACT]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        engine = door.accept()
        product.sandbox("POST", "/phones", json={"phone": BARE, "name": "Bare"})
        product.sandbox("POST", f"/phones/{BARE}/scan", json={"qr": engine.recv()})
        assert engine.recv() == "open"
        try:
            yield engine
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def receiver() -> Iterator[tuple[str, Arrivals]]:
    """A receiver in a process of its own, so that it does not share our interpreter."""
    ours, theirs = multiprocessing.Pipe()
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=receive, args=(port, theirs), daemon=True)
    process.start()
    eventually(lambda: accepts(port))
    yield f"http://127.0.0.1:{port}/hook", heard(ours)
    process.kill()
    process.join()


def accepts(port: int) -> bool:
    socket.create_connection(("127.0.0.1", port)).close()
    return True


def receive(port: int, arrivals: Connection) -> None:
    """Answer every POST at once; tell message id and time of each message_received."""
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(connection, arrivals), daemon=True).start()


def _serve(connection: socket.socket, arrivals: Connection) -> None:
    with connection, connection.makefile("rb") as stream:
        while head := stream.readline():
            length = 0
            while (head := stream.readline()) not in (b"\r\n", b""):
                if head.lower().startswith(b"content-length:"):
                    length = int(head.split(b":")[1])
            body = stream.read(length)
            at = time.time()
            event = json.loads(body)
            if event["event"] == "message_received":
                arrivals.send((event["data"]["message"]["key"]["id"], at))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def collect(arrivals: Arrivals, count: int) -> list[tuple[str, float]]:
    came: list[tuple[str, float]] = []
    while len(came) < count:
        came.append(arrivals.get(timeout=30))
    return came


if __name__ == "__main__":
    main()
