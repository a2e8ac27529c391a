"""Messages that an action brings as a whole, in the words of the original's library: those of `poll`, `forward` and
`raw`, and `message` in `button` and `list`.

A receiver does not get everything that WhatsApp's protocol has (quirk S11): what people see in chats, and nothing that
deletes, commands devices or changes settings. Files come by URL, as in other actions, or are those of a message that
WhatsApp has already.
"""

from typing import Any

from warest.errors import InvalidInput
from warest.loose import first, parsed, words

#: What may be sent as it is written, by the names of whatsapp/payload.py.
_PLAIN = frozenset({
    "conversation", "extendedTextMessage", "imageMessage", "videoMessage", "audioMessage", "documentMessage",
    "stickerMessage", "locationMessage", "liveLocationMessage", "contactMessage", "contactsArrayMessage",
    "interactiveMessage", "buttonsMessage", "listMessage", "templateMessage", "groupInviteMessage",
})  # fmt: skip

#: What wraps such a message.
_WRAPPERS = frozenset({
    "viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension", "ephemeralMessage",
    "documentWithCaptionMessage",
})  # fmt: skip

#: What accompanies one, and says nothing that is wanted here.
_COMPANIONS = frozenset({"messageContextInfo", "senderKeyDistributionMessage"})

#: Wrappers within each other.
_DEPTH = 3

#: A file of the library's -> what `media`, `sticker` and `document` call it.
_FILES = {"image": "image", "video": "video", "audio": "audio", "document": "", "sticker": ""}


def message_of(told: dict[str, Any]) -> dict[str, Any]:
    """The object in `message`. Raises InvalidInput when there is none."""
    message = parsed(told.get("message"))
    if not isinstance(message, dict) or not message:
        raise InvalidInput("`message` has to be an object")
    return message


def as_action(message: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of the action that sends the same; None: there is none, it is sent as it is written."""
    if isinstance(message.get("text"), str):
        return {"type": "text", "text": message["text"], "mentions": message.get("mentions")}
    if isinstance(message.get("location"), dict):
        return {"type": "location", **message["location"]}
    return next((_with_file(message, kind) for kind in _FILES if _source(message.get(kind))), None)


def poll_of(message: dict[str, Any]) -> tuple[str, tuple[str, ...], int] | None:
    """Question, options, and how many may be chosen; None: it is no poll."""
    told = parsed(message.get("poll"))
    if not isinstance(told, dict):
        return None
    options = tuple(dict.fromkeys(words(told.get("values", told.get("options")))))
    most = first(told, "selectableCount", "maxSelection")
    question = first(told, "name", "question")
    if not question or not options:
        raise InvalidInput("a poll has a `name` and `values`")
    return question, options, min(max(int(most) if most.isdecimal() else 1, 1), len(options))


def forwarded(message: dict[str, Any]) -> dict[str, Any] | None:
    """The content of the message in `forward`; None: nothing is forwarded."""
    told = parsed(message.get("forward"))
    if not isinstance(told, dict):
        return None
    inner = told.get("message")
    return content_of(inner if isinstance(inner, dict) else told)


def content_of(message: dict[str, Any]) -> dict[str, Any]:
    """A message as it may be sent. Raises InvalidInput for what may not."""
    content = {name: value for name, value in message.items() if name not in _COMPANIONS}
    inner: Any = content
    for _ in range(_DEPTH):
        if not isinstance(inner, dict) or len(inner) != 1:
            break
        ((name, value),) = inner.items()
        if name in _PLAIN:
            return content
        if name not in _WRAPPERS or not isinstance(value, dict):
            break
        inner = value.get("message")
    raise InvalidInput(f"such a message is not sent: {', '.join(sorted(map(str, content)))[:100]}")


def _with_file(message: dict[str, Any], kind: str) -> dict[str, Any]:
    url = _source(message[kind])
    if kind == "sticker":
        return {"type": "sticker", "webpUrl": url}
    if kind == "document":
        name = first(message, "fileName", "filename")
        return {"type": "document", "url": url, "filename": name, "caption": message.get("caption")}
    played = "gif" if kind == "video" and message.get("gifPlayback") is True else kind
    return {"type": "media", "mediaType": played, "url": url, "caption": message.get("caption")}


def _source(value: object) -> str:
    return first(value, "url") if isinstance(value, dict) else ""
