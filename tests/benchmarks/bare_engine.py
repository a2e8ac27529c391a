"""The engine without WAREST: what send_message takes by itself. Started by gateway.py.

Arguments: port to report to, Noise root (base64), folder, recipient.
"""

import base64
import sys
import threading
import time
from multiprocessing.connection import Client, Connection
from pathlib import Path

from warest.whatsapp import fixes, protos


def main(port: str, noise_root: str, folder: str, recipient: str) -> None:
    report = Client(("127.0.0.1", int(port)))
    engine = fixes.load(base64.b64decode(noise_root))
    from neonize.events import ConnectedEv

    client = engine.NewClient(fixes.store_name(Path(folder) / "bare.sqlite"), uuid="bare")
    client.event.qr(lambda _, data: report.send(data.decode()))
    client.event(ConnectedEv)(lambda *_: threading.Thread(target=send, args=(client, report, recipient)).start())
    client.connect()


def send(client: object, report: Connection, recipient: str) -> None:
    to = protos.engine.JID(User=recipient, Server="s.whatsapp.net", Device=0, RawAgent=0, Integrator=0, IsEmpty=False)
    report.send("open")
    while True:
        taken = []
        count, pause = report.recv()
        for number in range(count):
            time.sleep(pause)
            began = time.perf_counter()
            client.send_message(to, protos.e2e.Message(conversation=f"text {number}"))  # type: ignore[attr-defined]
            taken.append(time.perf_counter() - began)
        report.send(taken)


if __name__ == "__main__":
    main(*sys.argv[1:])
