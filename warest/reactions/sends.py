"""Actions that send -> commands.

Facts: contract, webhooks.md section 6. Beyond it `quoted` (the id of a message, or one with its `key`) is that which
the new one answers, as the original's site documents.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from warest import buttons, places, vcards
from warest.commands import (
    Outgoing,
    SendContacts,
    SendContent,
    SendFile,
    SendInteractive,
    SendLocation,
    SendPoll,
    SendText,
)
from warest.errors import InvalidInput
from warest.loose import first, parsed
from warest.media import rules
from warest.media.options import Kind
from warest.reactions import contents
from warest.reactions.actions import Action
from warest.reactions.targets import Targets
from warest.reactions.transforms import wishes
from warest.sources import Sources, SpooledFile

#: What WhatsApp takes, characters.
LONGEST = 65_536

_KINDS: dict[str, Kind] = {"image": "image", "video": "video", "gif": "gif", "audio": "voice"}


@dataclass(frozen=True, slots=True)
class Order:
    """A command; `compression` is what a worker is told of its file, None if it need not look at one."""

    command: Outgoing
    compression: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FileRules:
    """`limit` in bytes; `documents` are the MIME types that are sent as such (rules.is_among)."""

    limit: int
    documents: tuple[str, ...]


class Sends:
    """Of one session."""

    def __init__(self, targets: Targets, sources: Sources, files: FileRules) -> None:
        self._targets = targets
        self._sources = sources
        self._files = files
        self._makers: dict[str, Callable[[Action, str], Order]] = {
            "text": self._text,
            "media": self._media,
            "document": self._document,
            "sticker": self._sticker,
            "vcard": self._vcard,
            "location": self._location,
            "button": self._button,
            "list": self._list,
            "poll": self._content,
            "forward": self._content,
            "raw": self._content,
        }

    def order(self, action: Action) -> Order | None:
        """None: nothing is sent. Its files are in the spool then. Raises InvalidInput and FetchError."""
        to = self._targets.recipient(action)
        if action.name == "noop":
            return None
        made = self._makers[action.name](action, to)
        return replace(made, command=replace(made.command, reply_to=quoted_by(action)))

    def _text(self, action: Action, to: str) -> Order:
        text = action.text("text", "message")
        if not text or len(text) > LONGEST:
            raise InvalidInput(f"`text` has to be 1 to {LONGEST} characters long")
        return Order(SendText(to=(to,), text=text, mentions=self._targets.jids(_tokens(action.told.get("mentions")))))

    def _media(self, action: Action, to: str) -> Order:
        wanted = action.text("mediaType").lower()
        if wanted and wanted not in _KINDS:
            raise InvalidInput(f"mediaType must be one of {', '.join(_KINDS)}")
        file = self._fetched(action.text("url"))
        kind = _KINDS.get(wanted) or file.shown_as or ("voice" if file.mimetype.startswith("audio/") else None)
        if kind is None:
            raise self._refused(file, f"{file.mimetype} is neither a picture nor a video nor sound")
        return Order(_file(to, kind, file, action), wishes(action))

    def _document(self, action: Action, to: str) -> Order:
        file = self._fetched(action.text("url"), action.text("filename"))
        name, mimetype = file.name or "document", rules.sendable_as(file.mimetype, self._files.documents)
        reason = rules.refusal_of(name, file.mimetype, file.head)
        if reason or mimetype is None:
            raise self._refused(file, reason or f"Files of the type {file.mimetype} are not sent")
        command = replace(_file(to, "document", file, action), name=name, mimetype=mimetype)
        is_picture = rules.sniffed(file.head).startswith("image/")
        return Order(command, {} if is_picture else None)  # a picture gets its thumbnail

    def _sticker(self, action: Action, to: str) -> Order:
        file = self._fetched(action.text("webpUrl", "imageUrl", "url"))
        return Order(_file(to, "sticker", file, action), {"enabled": True})

    def _vcard(self, action: Action, to: str) -> Order:
        card = vcards.card_of(action.part("contact"), self._targets.country_code)
        if not card.shown:
            raise InvalidInput("`contact` needs a `fullName`")
        return Order(SendContacts(to=(to,), cards=((card.shown, vcards.write(card)),), title=card.shown))

    def _location(self, action: Action, to: str) -> Order:
        point = places.point(action.told)
        if point is None:
            raise InvalidInput("`lat` and `lng` have to be degrees")
        name, address = action.text("name"), action.text("address")
        return Order(SendLocation(to=(to,), latitude=point[0], longitude=point[1], name=name, address=address))

    def _button(self, action: Action, to: str) -> Order:
        if "message" in action.told:
            return self._content(action, to)
        return self._interactive(action, to, buttons.buttons(parsed(action.told.get("buttons"))))

    def _list(self, action: Action, to: str) -> Order:
        if "message" in action.told:
            return self._content(action, to)
        one, several, sections = (parsed(action.told.get(name)) for name in ("list", "lists", "sections"))
        return self._interactive(action, to, buttons.lists(one, several, sections, action.text("buttonText")).buttons)

    def _interactive(self, action: Action, to: str, below: tuple[buttons.Button, ...]) -> Order:
        text, footer = action.text("text"), action.text("footer")
        about: dict[str, Any] = {"to": (to,), "text": text, "footer": footer, "buttons": below}
        if not (image := action.text("image")):
            return Order(SendInteractive(**about))
        file = self._fetched(image)
        if not file.mimetype.startswith("image/"):
            raise self._refused(file, "`image` is no picture")
        return Order(SendInteractive(file=file.key, mimetype=file.mimetype, **about), {})

    def _content(self, action: Action, to: str) -> Order:
        message = contents.message_of(action.told)
        if (poll := contents.poll_of(message)) is not None:
            question, options, most = poll
            return Order(SendPoll(to=(to,), question=question, options=options, selectable=most))
        if (content := contents.forwarded(message)) is not None:
            return Order(SendContent(to=(to,), content=content, forwarded=True))
        if (same := contents.as_action(message)) is not None:
            return self._makers[same["type"]](Action(same["type"], same, action.position), to)
        is_forward = action.name == "forward"
        return Order(SendContent(to=(to,), content=contents.content_of(message), forwarded=is_forward))

    def _fetched(self, source: str, name: str = "") -> SpooledFile:
        upload = self._sources.named(source, self._files.limit) if source else None
        if upload is None:
            raise InvalidInput("a file is wanted here: a URL, a data URI or base64")
        file = self._sources.spooled(upload, name)
        if not file.size:
            raise self._refused(file, "the file is empty")
        return file

    def _refused(self, file: SpooledFile, reason: str) -> InvalidInput:
        """To be raised: the file is not sent, and goes."""
        self._sources.delete(file.key)
        return InvalidInput(reason)


def quoted_by(action: Action) -> str | None:
    """The id of the message that the new one answers."""
    given = parsed(action.told.get("quoted"))
    if isinstance(given, dict):
        key = given.get("key")
        return first(key if isinstance(key, dict) else given, "id") or None
    return action.text("quoted") or None


def _file(to: str, kind: Kind, file: SpooledFile, action: Action) -> SendFile:
    return SendFile(
        to=(to,), kind=kind, file=file.key, mimetype=file.mimetype, name=file.name, caption=action.text("caption")
    )


def _tokens(value: object) -> list[str]:
    value = parsed(value)
    return [str(each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str | int)]
