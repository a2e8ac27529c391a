"""What those at the other end see before a message comes: that somebody is there, and writes or speaks.

Facts: contract, endpoints.md 0.7. It is for show: what fails here never keeps a message from going out.
"""

import logging
import random
import time
from collections.abc import Iterator
from typing import Any

from warest.ids import Jid
from warest.whatsapp import protos
from warest.whatsapp.client import Client

log = logging.getLogger(__name__)

#: How long each is shown, ms: from, to.
_SHOWN = {
    "available": (280, 420),
    "composing": (1200, 1850),
    "recording": (2200, 3600),
    "unavailable": (220, 360),
    "paused": (260, 520),
}

_THEN = {
    "available": ("available",),
    "composing": ("available", "composing", "paused"),
    "recording": ("available", "recording", "paused"),
    "unavailable": ("available", "unavailable"),
    "paused": ("available", "paused"),
}


def steps(presence: str) -> Iterator[tuple[str, float]]:
    """What is shown one after the other, and for how long, s."""
    for step in _THEN[presence]:
        yield step, random.uniform(*_SHOWN[step]) / 1000


def show(client: Client, to: Jid, address: Any, presence: str) -> None:
    """`address` is the engine's of `to`. Takes up to five seconds."""
    errors = protos.errors
    try:
        if not to.is_group:
            client.engine.subscribe_presence(address)
        for step, seconds in steps(presence):
            tell(client.engine, address, step)
            time.sleep(seconds)
    except (errors.SendPresenceError, errors.SubscribePresenceError) as error:
        log.info("the presence %s was not shown: %s", presence, error)


def tell(engine: Any, address: Any, step: str) -> None:
    """One of commands.PRESENCES; the first two are for everybody. Raises the engine's SendPresenceError."""
    if step in ("available", "unavailable"):
        engine.send_presence(protos.enums.Presence[step.upper()])
        return
    state = (
        protos.enums.ChatPresence.CHAT_PRESENCE_PAUSED
        if step == "paused"
        else protos.enums.ChatPresence.CHAT_PRESENCE_COMPOSING
    )
    is_voice = step == "recording"
    media = (
        protos.enums.ChatPresenceMedia.CHAT_PRESENCE_MEDIA_AUDIO
        if is_voice
        else protos.enums.ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT
    )
    engine.send_chat_presence(address, state, media)
