"""The actions that nobody's answer asks for, but the settings do: `ping` is answered with `pong!`.

Facts: contract, data.md section 7.
"""

import re
from importlib import metadata
from typing import Any

import orjson

from warest.config.settings import Settings

#: How long it is typed, ms.
TYPING_MS = 2_000

#: Any such event has it: the others need not be parsed.
_PING = re.compile(rb'"text":"ping"', re.IGNORECASE)


def auto_reply(settings: Settings, event: str, body: bytes) -> list[dict[str, Any]] | None:
    """What an event is answered with, as a receiver's answer would have it; None: it is not.

    `body` is that of the event, as receivers get it.
    """
    if event != "message_received" or not (settings.autoreply_enabled and settings.autoreply_ping_pong):
        return None
    return _pong() if _PING.search(body) and _is_ping(orjson.loads(body)["data"]) else None


def _is_ping(data: dict[str, Any]) -> bool:
    return data["text"].lower() == "ping" and not data["sender"]["fromMe"]


def _pong() -> list[dict[str, Any]]:
    text = f"pong!\n\n_Warest v{metadata.version('warest')}_"
    return [
        {"act": "typing", "to": "{{sender.chatId}}", "ms": TYPING_MS},
        {"type": "text", "to": "{{sender.chatId}}", "text": text, "quoted": "{{message.key.id}}"},
    ]
