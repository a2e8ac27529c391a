"""A sandbox in a process of its own, and real neonize clients in theirs."""

import base64
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import httpx

from support.product import free_port
from support.waiting import eventually
from warest.sandbox.server import token_cache
from warest.whatsapp import library

TIMEOUT = 20.0

CLIENT = Path(__file__).with_name("client.py")


class SandboxProcess:
    """`warest sandbox` as the user runs it; `kill` is SIGKILL."""

    def __init__(self, data: Path, tokens: library.Tokens) -> None:
        data.mkdir()
        token_cache(data).write_text(tokens.to_json())  # Spares each sandbox the reading.
        self.data = data
        self.port = free_port()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=70, trust_env=False)
        self.start()

    def start(self) -> None:
        code = f"import pathlib, warest.sandbox as s; s.run(pathlib.Path({str(self.data)!r}), port={self.port})"
        self._process = subprocess.Popen([sys.executable, "-c", code])
        eventually(self._answers, what="the sandbox answers")

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the sandbox died"
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self._process.send_signal(how)
        return self._process.wait(TIMEOUT)

    def close(self) -> None:
        if self._process.poll() is None:
            self.stop()
        self.http.close()

    def peak_memory(self) -> int:
        """Bytes that it has had resident at most."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()

    def phone(self, phone: str, name: str = "") -> str:
        self.post("/phones", phone=phone, name=name or f"Owner of {phone}")
        return phone

    def send(self, sender: str, to: str, text: str) -> str:
        answer: str = self.post(f"/phones/{sender}/messages", to=to, text=text)["id"]
        return answer

    def send_media(self, sender: str, to: str, kind: str, content: bytes, **told: Any) -> str:
        body = {"to": to, "kind": kind, "data": base64.b64encode(content).decode(), **told}
        answer: str = self.post(f"/phones/{sender}/media", **body)["id"]
        return answer

    def write(self, sender: str, what: str, **told: Any) -> str:
        """What a phone writes by one of the other calls; the id of its message."""
        answer: str = self.post(f"/phones/{sender}/{what}", **told)["id"]
        return answer

    def shown(self, phone: str, message_id: str) -> dict[str, Any]:
        """A message, as soon as the phone shows it."""

        def found() -> list[dict[str, Any]]:
            return [message for message in self.get(f"/phones/{phone}/messages") if message["id"] == message_id]

        return dict(eventually(found, what=f"{phone} to show {message_id}")[0])

    def media(self, phone: str, message_id: str) -> httpx.Response:
        """What a message brought, as the phone opens it."""
        return self.http.get(f"/phones/{phone}/media/{message_id}")

    def fault(self, kind: str, phone: str | None = None, **options: int | str) -> None:
        self.post("/faults", kind=kind, **({"phone": phone} if phone else {}), **options)

    def clear_faults(self) -> None:
        self.http.delete("/faults").raise_for_status()

    def texts(self, phone: str) -> list[str]:
        return [message["text"] for message in self.get(f"/phones/{phone}/messages")]

    def wait_text(self, phone: str, text: str) -> dict[str, Any]:
        """The message of this text, as soon as the phone shows it."""
        seen, deadline = 0, time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            for message in self.get(f"/phones/{phone}/messages", after=seen, wait=2):
                seen = message["seq"]
                if message["text"] == text:
                    return dict(message)
        raise AssertionError(f"{phone} never showed {text!r}; it shows {self.texts(phone)}")

    def devices(self, phone: str) -> list[dict[str, Any]]:
        return next(list(each["devices"]) for each in self.get("/phones") if each["phone"] == phone)


class Client:
    """One client; `facts` is what it told so far."""

    def __init__(self, sandbox: SandboxProcess, command: list[str], environment: dict[str, str], log: Path) -> None:
        """The command gets, as its last argument, the descriptor that it is to tell its facts on."""
        reading, writing = os.pipe()
        self.log = log.open("ab")
        self._process = subprocess.Popen(
            [*command, str(writing)],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HTTPS_PROXY": f"http://127.0.0.1:{sandbox.port}", **environment},
            pass_fds=[writing],
            text=True,
        )
        os.close(writing)
        self._sandbox = sandbox
        self._facts: queue.Queue[dict[str, Any]] = queue.Queue()
        self.facts: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._reader.start()

    @staticmethod
    def neonize(sandbox: SandboxProcess, database: Path, *, receipts: bool = True, mended: bool = True) -> "Client":
        trust = sandbox.get("/network")
        ca = database.with_suffix(".pem")
        ca.write_text(trust["ca"])
        command = [sys.executable, str(CLIENT), str(database), trust["noiseRoot"], str(int(receipts)), str(int(mended))]
        environment = {"SSL_CERT_FILE": str(ca), "NEONIZE_BOT_TAG": "off"}
        return Client(sandbox, command, environment, database.with_suffix(".log"))

    @staticmethod
    def baileys(sandbox: SandboxProcess, installation: Path, folder: Path) -> "Client":
        ca = folder.with_suffix(".pem")
        ca.write_text(sandbox.get("/network")["ca"])
        command = ["node", str(installation / "client.mjs"), str(folder)]
        return Client(sandbox, command, {"NODE_EXTRA_CA_CERTS": str(ca)}, folder.with_suffix(".log"))

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor) as lines:
            for line in lines:
                self._facts.put(json.loads(line))

    def wait(self, kind: str, *, within: float = TIMEOUT, **data: Any) -> dict[str, Any]:
        """The first fact of this kind and with these values that was not waited for before."""
        wanted = {"kind": kind, **data}.items()
        deadline = time.monotonic() + within
        while True:
            for fact in self.facts:
                if wanted <= fact.items():
                    self.facts.remove(fact)
                    return fact
            try:
                self.facts.append(self._facts.get(timeout=max(0, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no {kind} {data}; there is {self.facts}") from None

    def order(self, do: str, **arguments: Any) -> None:
        assert self._process.stdin
        print(json.dumps({"do": do, "arguments": arguments}), file=self._process.stdin, flush=True)

    def call(self, do: str, **arguments: Any) -> Any:
        self.order(do, **arguments)
        return self.wait("done")["result"]

    def send(self, to: str, text: str) -> str:
        sent: str = self.call("send", to=to, text=text)
        return sent

    def link(self, phone: str) -> "Client":
        """Show a QR, let the phone scan it, and wait until the session is open."""
        qr = self.wait("qr")["qr"]
        self._sandbox.post(f"/phones/{phone}/scan", qr=qr)
        self.wait("connected")
        return self

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        if self._process.stdin:
            self._process.stdin.close()
        self.log.close()


class Start(Protocol):
    def __call__(self, name: str, *, receipts: bool = True, mended: bool = True) -> Client:
        """A client with the database of this name; without `receipts` it asks neonize for none, as the product, and
        unless `mended` it has trap 4."""
