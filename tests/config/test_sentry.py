"""Reports of errors: they arrive, and say neither secrets nor what people write."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET, TEXT = "s3cr3t-0123456789abcdef", "what somebody wrote"

PROGRAM = f"""
import logging, sys
import dramatiq
from warest import traces
from warest.config import logs, sentry
from warest.config.settings import Settings
current = Settings(sentry_dsn=sys.argv[1])
logs.configure(current, "worker")
sentry.start(current, "worker")
logging.getLogger("x").warning("a warning is no error")
def fail(text):
    body = {{"message": text}}
    raise RuntimeError("cannot reach redis://user:{SECRET}@redis")
message = dramatiq.Message("queue", "execute", (), {{"text": {TEXT!r}}}, {{}}, message_id="the-id")
logging.getLogger("dramatiq").error("Failed to process message %s.", message)
with traces.about(request="req-1", session="01SESSION"):
    try:
        fail({TEXT!r})
    except RuntimeError:
        logging.getLogger("x").exception("it failed with password=%s", {SECRET!r})
fail({TEXT!r})
"""


@contextmanager
def sentry_server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The DSN of a server that takes envelopes, and the events that it got."""
    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body
            events.extend(each for line in body.splitlines() if "level" in (each := json.loads(line)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{'a' * 32}@127.0.0.1:{server.server_address[1]}/1", events
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_errors_are_reported() -> None:
    """Those that are logged, and those that end a process; with what they were about."""
    with sentry_server() as (dsn, events):
        ended = subprocess.run([sys.executable, "-c", PROGRAM, dsn], capture_output=True, text=True, check=False)
        assert ended.returncode == 1 and "Sentry" not in ended.stdout
    failed, logged, unhandled = events
    assert failed["logentry"]["message"] == "Failed to process message execute the-id."
    assert logged["tags"] == {"request": "req-1", "session": "01SESSION"} and logged["server_name"] == "worker"
    assert logged["logentry"]["message"].startswith("it failed") and logged["release"].startswith("warest@")
    assert unhandled["exception"]["values"][0]["type"] == "RuntimeError"
    told = json.dumps(events)
    assert SECRET not in told and TEXT not in told and '"vars"' not in told


def test_nothing_without_a_dsn() -> None:
    """The library is not even loaded."""
    program = (
        "import sys\nfrom warest.config import sentry\nfrom warest.config.settings import Settings\n"
        "sentry.start(Settings(), 'web')\nassert 'sentry_sdk' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
