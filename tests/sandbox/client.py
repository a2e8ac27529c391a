"""A neonize client in a process of its own, for the tests.

Orders come as JSON lines on stdin; facts leave on the pipe whose descriptor is the third argument, not on stdout,
because Go writes there. Run it with SSL_CERT_FILE, HTTPS_PROXY and NEONIZE_BOT_TAG=off in the environment.
"""

import base64
import json
import logging
import os
import sys
import threading
from typing import Any

from warest.whatsapp import library, protos

FACTS = int(sys.argv[3])


def tell(kind: str, **data: Any) -> None:
    os.write(FACTS, json.dumps({"kind": kind, **data}).encode() + b"\n")


def main() -> None:
    database, root = sys.argv[1:3]
    protos.preload()
    protos.load_engine()
    library.swap_noise_root(base64.b64decode(root))
    from neonize import events
    from neonize.client import NewClient

    logging.getLogger("neonize.utils.log").setLevel(logging.WARNING)
    client = NewClient(f"{database}?_foreign_keys=on&_journal_mode=WAL&_busy_timeout=30000&_synchronous=OFF&_x=")
    client._stop_finalizer.detach()
    client.event.qr(lambda _, qr: tell("qr", qr=qr.decode()))
    for event, fact in (
        (events.ConnectedEv, lambda _, __: tell("connected")),
        (events.DisconnectedEv, lambda _, __: tell("disconnected")),
        (events.LoggedOutEv, lambda _, __: tell("logged_out")),
        (events.StreamReplacedEv, lambda _, __: tell("replaced")),
        (events.MessageEv, on_message),
        (events.ReceiptEv, on_receipt),
    ):
        client.event(event)(fact)
    threading.Thread(target=connect, args=(client,), daemon=True).start()
    for line in sys.stdin:
        obey(client, json.loads(line))
    os._exit(0)


def on_message(_: Any, event: Any) -> None:
    body, source = event.Message, event.Info.MessageSource
    tell(
        "message",
        id=event.Info.ID,
        text=body.conversation or body.extendedTextMessage.text,
        sender=source.Sender.User,
        chat=source.Chat.User,
        fromMe=source.IsFromMe,
        name=event.Info.Pushname,
        protocol=body.HasField("protocolMessage"),
    )


def on_receipt(_: Any, event: Any) -> None:
    tell("receipt", ids=list(event.MessageIDs), type=event.Type, sender=event.MessageSource.Sender.User)


def connect(client: Any) -> None:
    try:
        client.connect()
    except Exception as error:
        tell("connect_failed", error=repr(error))
    else:
        tell("connect_returned")


def obey(client: Any, order: dict[str, Any]) -> None:
    try:
        tell("done", result=ORDERS[order["do"]](client, **order["arguments"]))
    except Exception as error:
        tell("failed", error=f"{type(error).__name__}: {error}")


def jid(number: str) -> Any:
    from neonize.utils.jid import build_jid

    return build_jid(number)


def send(client: Any, to: str, text: str) -> str:
    sent: str = client.send_message(jid(to), protos.e2e.Message(conversation=text)).ID
    return sent


ORDERS: dict[str, Any] = {
    "send": send,
    "me": lambda client: client.get_me().PushName,
    "logout": lambda client: client.logout(),
    "name": lambda client, name: client.set_profile_name(name),
    "on_whatsapp": lambda client, number: [user.IsIn for user in client.is_on_whatsapp(number)],
    "read": lambda client, id, chat: read(client, id, chat),
    "available": lambda client: available(client),
}


def available(client: Any) -> None:
    from neonize.utils.enum import Presence

    client.send_presence(Presence.AVAILABLE)


def read(client: Any, id: str, chat: str) -> None:
    from neonize.utils.enum import ReceiptType

    client.mark_read(id, chat=jid(chat), sender=jid(chat), receipt=ReceiptType.READ)


if __name__ == "__main__":
    main()
