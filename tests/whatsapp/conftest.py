from collections.abc import Callable
from typing import Any

import pytest

from warest.ids import Jid
from warest.whatsapp import protos

Incoming = Callable[..., Any]


def engine_jid(text: str) -> Any:
    found = Jid.parse(text) if text else Jid("", "")
    return protos.engine.JID(
        User=found.user, Server=found.server, Device=found.device, RawAgent=0, Integrator=0, IsEmpty=not text
    )


@pytest.fixture
def incoming() -> Incoming:
    """A message as the engine reports it: from Ani, by number, in a chat of two, unless told otherwise."""

    def make(
        content: Any,
        *,
        chat: str = "",
        sender: str = "628111:4@s.whatsapp.net",
        alternative: str = "9001:4@lid",
        from_me: bool = False,
        group: bool = False,
        **info: Any,
    ) -> Any:
        nobody = engine_jid("")
        source = protos.engine.MessageSource(
            Chat=engine_jid(chat or str(Jid.parse(sender).account)),
            Sender=engine_jid(sender),
            SenderAlt=engine_jid(alternative),
            RecipientAlt=nobody,
            BroadcastListOwner=nobody,
            IsFromMe=from_me,
            IsGroup=group,
        )
        known = {
            "ID": "3EB0AA", "ServerID": 0, "Type": "text", "Pushname": "Ani", "Timestamp": 1_700_000_000_000,
            "Category": "", "Multicast": False, "MediaType": "", "Edit": "",
        }  # fmt: skip
        flags = ("IsEphemeral", "IsViewOnce", "IsViewOnceV2", "IsViewOnceV2Extension", "IsDocumentWithCaption")
        message = protos.engine.Message(
            Info=protos.engine.MessageInfo(MessageSource=source, **{**known, **info}),
            Message=content,
            UnavailableRequestID="",
            RetryCount=0,
            **dict.fromkeys((*flags, "IsLottieSticker", "IsEdit"), False),
        )
        # Over the border as the engine does it.
        return protos.engine.Message.FromString(message.SerializeToString())

    return make
