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

protos.preload()
protos.load_engine()

from neonize import events  # noqa: E402
from neonize.client import NewClient  # noqa: E402
from neonize.utils.enum import ChatPresence, ChatPresenceMedia, Presence, ReceiptType  # noqa: E402
from neonize.utils.jid import build_jid  # noqa: E402

DATABASE, ROOT, FACTS = sys.argv[1], base64.b64decode(sys.argv[2]), int(sys.argv[3])


def tell(kind: str, **data: Any) -> None:
    os.write(FACTS, json.dumps({"kind": kind, **data}).encode() + b"\n")


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


EVENTS: dict[Any, Any] = {
    events.ConnectedEv: lambda _, __: tell("connected"),
    events.DisconnectedEv: lambda _, __: tell("disconnected"),
    events.LoggedOutEv: lambda _, __: tell("logged_out"),
    events.StreamReplacedEv: lambda _, __: tell("replaced"),
    events.MessageEv: on_message,
    events.ReceiptEv: lambda _, event: tell("receipt", ids=list(event.MessageIDs), type=event.Type),
    events.PresenceEv: lambda _, event: tell("presence", sender=event.From.User, gone=event.Unavailable),
    events.ChatPresenceEv: lambda _, event: tell("typing", sender=event.MessageSource.Sender.User),
}

ORDERS: dict[str, Any] = {
    "send": lambda client, to, text: client.send_message(build_jid(to), protos.e2e.Message(conversation=text)).ID,
    "read": lambda client, id, chat: client.mark_read(
        id, chat=build_jid(chat), sender=build_jid(chat), receipt=ReceiptType.READ
    ),
    "me": lambda client: client.get_me().PushName,
    "name": lambda client, name: client.set_profile_name(name),
    "on_whatsapp": lambda client, number: [user.IsIn for user in client.is_on_whatsapp(number)],
    "available": lambda client: client.send_presence(Presence.AVAILABLE),
    "unavailable": lambda client: client.send_presence(Presence.UNAVAILABLE),
    "subscribe": lambda client, to: client.subscribe_presence(build_jid(to)),
    "type": lambda client, to: client.send_chat_presence(
        build_jid(to), ChatPresence.CHAT_PRESENCE_COMPOSING, ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT
    ),
    "blocklist": lambda client: len(client.get_blocklist().JIDs),
    "picture": lambda client, of: str(client.get_profile_picture(build_jid(of))),
    "logout": lambda client: client.logout(),
}


def obey(client: Any, order: dict[str, Any]) -> None:
    try:
        tell("done", result=ORDERS[order["do"]](client, **order["arguments"]))
    except Exception as error:
        tell("failed", error=f"{type(error).__name__}: {error}")


def main() -> None:
    library.swap_noise_root(ROOT)
    logging.getLogger("neonize.utils.log").setLevel(logging.WARNING)
    client = NewClient(f"{DATABASE}?_foreign_keys=on&_journal_mode=WAL&_busy_timeout=30000&_synchronous=OFF&_x=")
    client._stop_finalizer.detach()
    client.event.qr(lambda _, qr: tell("qr", qr=qr.decode()))
    for event, handler in EVENTS.items():
        client.event(event)(handler)
    threading.Thread(target=client.connect, daemon=True).start()
    for line in sys.stdin:
        obey(client, json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
