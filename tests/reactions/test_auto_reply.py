"""`ping` is answered, by whomever it is said but ourselves."""

import json

import pytest

from warest.config.settings import Settings
from warest.reactions.auto_reply import auto_reply

ON = Settings(autoreply_enabled=True)


def body(text: str, *, from_me: bool = False) -> bytes:
    data = {"text": text, "sender": {"chatId": "1@lid", "fromMe": from_me}, "quoted": {"text": "ping"}}
    return json.dumps({"event": "message_received", "data": data}, separators=(",", ":")).encode()


@pytest.mark.parametrize("text", ["ping", "PING", "Ping"])
def test_a_ping(text: str) -> None:
    typing, reply = auto_reply(ON, "message_received", body(text)) or []
    assert typing == {"act": "typing", "to": "{{sender.chatId}}", "ms": 2000}
    assert reply["text"].startswith("pong!\n\n_Warest v") and reply["quoted"] == "{{message.key.id}}"


@pytest.mark.parametrize("text", ["ping!", " ping", "", "pong"])
def test_anything_else(text: str) -> None:
    """Also what quotes one."""
    assert auto_reply(ON, "message_received", body(text)) is None


def test_not_for_everybody() -> None:
    """Not of our own, not of other events, not without the settings."""
    assert auto_reply(ON, "message_received", body("ping", from_me=True)) is None
    assert auto_reply(ON, "message_edited", body("ping")) is None
    assert auto_reply(Settings(), "message_received", body("ping")) is None
    assert (
        auto_reply(Settings(autoreply_enabled=True, autoreply_ping_pong=False), "message_received", body("ping"))
        is None
    )
