"""What an event says of a message's file: the object `media` (contract, webhooks.md 4.2)."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

from warest.whatsapp.payload import text

#: contentType of the messages that have it. Cards and live locations have it too, as in the original.
_WITH_MEDIA = frozenset(
    {
        "imageMessage",
        "videoMessage",
        "ptvMessage",
        "audioMessage",
        "documentMessage",
        "stickerMessage",
        "liveLocationMessage",
        "contactMessage",
        "contactsArrayMessage",
    }
)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _long(value: int) -> dict[str, Any]:
    """As JavaScript's Long shows itself: two signed halves."""
    low, high = value & 0xFFFFFFFF, value >> 32
    return {"low": low - (low >> 31 << 32), "high": high - (high >> 31 << 32), "unsigned": True}


#: The original's name, the engine's name, and how it is written; in the original's order.
_FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("fileSha256", "fileSHA256", _base64),
    ("mediaKey", "mediaKey", _base64),
    ("url", "URL", text),
    ("directPath", "directPath", text),
    ("fileLength", "fileLength", _long),
    ("fileName", "fileName", text),
    ("seconds", "seconds", int),
    ("pageCount", "pageCount", int),
    ("width", "width", int),
    ("height", "height", int),
    ("gifPlayback", "gifPlayback", bool),
)


def media_of(kind: str, body: Any) -> dict[str, Any] | None:
    """Of a message with this contentType and content; None: it brings nothing of that sort."""
    if kind not in _WITH_MEDIA:
        return None
    known = body.DESCRIPTOR.fields_by_name
    mimetype = text(body.mimetype) if "mimetype" in known else ""
    return {
        "hasMedia": True,
        "type": kind,
        # Without parameters, as in the original: `audio/ogg; codecs=opus` is audio/ogg.
        **({"mimeType": mimetype.partition(";")[0].strip()} if mimetype else {}),
        "caption": text(body.caption) if "caption" in known else "",
        **dict(_set_fields(body, known)),
    }


def _set_fields(body: Any, known: Any) -> Iterator[tuple[str, Any]]:
    for name, field, written in _FIELDS:
        if field in known and body.HasField(field):
            yield name, written(getattr(body, field))
