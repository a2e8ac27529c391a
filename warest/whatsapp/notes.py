"""What the database is to learn of messages: notes, which actors/history.py writes down in the order they come.

The shape of what is stored (`type`, `body`, `raw`) is the original's (contract, data.md section 7).
"""

from typing import Any

#: contentType -> the stored `type`, and the word that stands for it in `body`. Whatever is missing is not stored.
_TYPES = {
    "conversation": ("conversation", ""),
    "extendedTextMessage": ("extendedtextmessage", ""),
    "imageMessage": ("image", "Image"),
    "videoMessage": ("video", "Video"),
    "ptvMessage": ("video", "Video"),
    "audioMessage": ("audio", "Audio"),
    "documentMessage": ("document", "Document"),
    "stickerMessage": ("stickermessage", "Sticker"),
    "contactMessage": ("contact", "Contact"),
    "contactsArrayMessage": ("contact", "Contacts"),
    "locationMessage": ("location", "Location"),
    "liveLocationMessage": ("location", "Live location"),
    "interactiveMessage": ("interactive", "Interactive"),
    "interactiveResponseMessage": ("interactive", "Interactive"),
    "buttonsMessage": ("interactive", "Interactive"),
    "buttonsResponseMessage": ("interactive", "Interactive"),
    "listMessage": ("interactive", "Interactive"),
    "listResponseMessage": ("interactive", "Interactive"),
    "templateMessage": ("interactive", "Interactive"),
    "templateButtonReplyMessage": ("interactive", "Interactive"),
    "eventMessage": ("event", "Event"),
    "pollCreationMessage": ("poll", "Poll"),
    "pollCreationMessageV2": ("poll", "Poll"),
    "pollCreationMessageV3": ("poll", "Poll"),
    "pollCreationMessageV4": ("poll", "Poll"),
    "pollCreationMessageV5": ("poll", "Poll"),
    "groupInviteMessage": ("system", "Group invite"),
    "productMessage": ("system", "Product"),
    "orderMessage": ("system", "Order"),
}

#: Those of the types that are files.
FILES = frozenset({"image", "video", "gif", "audio", "document", "stickermessage"})

#: Where a body has the words that people read, by what comes first.
_WORDS = (
    "text",
    "caption",
    "displayName",
    "name",
    "contentText",
    "selectedDisplayText",
    "title",
    "hydratedContentText",
)


def message(raw: dict[str, Any], kind: str, body: Any, *, sender: str, recipient: str) -> dict[str, Any] | None:
    """A message with this contentType and content, in protobuf's JSON; `raw` is what the event says of it.

    None: it is of a kind that is not stored.
    """
    if kind not in _TYPES:
        return None
    stored, _ = _TYPES[kind]
    if kind == "videoMessage" and isinstance(body, dict) and body.get("gifPlayback"):
        stored = "gif"
    return {
        "do": "message",
        "chat": raw["key"]["remoteJid"],
        "id": raw["key"]["id"],
        "fromMe": raw["key"]["fromMe"],
        "ts": raw["messageTimestamp"],
        "sender": sender,
        "recipient": recipient,
        "type": stored,
        "isMedia": stored in FILES,
        "body": body_of(kind, body),
        "raw": {"key": raw["key"], "message": raw["message"], "pushName": raw.get("pushName", "")},
    }


def type_of(kind: str) -> str:
    """The stored `type` of a contentType; empty: it is none, or not stored."""
    return _TYPES[kind][0] if kind in _TYPES else ""


def body_of(kind: str, body: Any) -> str:
    """What a list of messages shows of it: its text, behind `([Image])` and the like where it is more than text."""
    words = body if isinstance(body, str) else _words(body)
    label = _TYPES.get(kind, ("", ""))[1]
    return f"([{label}]) {words}".rstrip() if label else words


def _words(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    inner = body.get("body")  # of an interactive message
    found = (inner.get("text") if isinstance(inner, dict) else None, *(body.get(name) for name in _WORDS))
    return next((word for word in found if isinstance(word, str) and word), "")
