"""Messages that bring a file: how a phone makes one, and what it sees of one that it got."""

import base64
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from warest.errors import InvalidInput
from warest.sandbox.media import File
from warest.whatsapp import protos


@dataclass(frozen=True, slots=True)
class Kind:
    #: The field of Message.
    part: str
    #: What the keys of the file are derived for.
    keys: str
    mimetype: str
    #: What every file of the kind says of itself.
    marks: dict[str, Any] = field(default_factory=dict)


KINDS = {
    "image": Kind("imageMessage", "Image", "image/jpeg"),
    "gif": Kind("videoMessage", "Video", "video/mp4", {"gifPlayback": True}),
    "video": Kind("videoMessage", "Video", "video/mp4"),
    "ptv": Kind("ptvMessage", "Video", "video/mp4"),
    "voice": Kind("audioMessage", "Audio", "audio/ogg; codecs=opus", {"PTT": True}),
    "audio": Kind("audioMessage", "Audio", "audio/mpeg"),
    "sticker": Kind("stickerMessage", "Image", "image/webp"),
    "document": Kind("documentMessage", "Document", "application/octet-stream"),
}

#: Bytes of the largest file.
LARGEST = 128 * 1024 * 1024

#: How those who look for a file's device call it in <enc mediatype>.
_MEDIA_TYPES = {"voice": "ptt"}

#: What may be told of a file, and the protobuf fields for it: the first that the kind has.
_OPTIONS = {
    "mimetype": ("mimetype",),
    "caption": ("caption",),
    "name": ("fileName",),
    "title": ("title",),
    "pages": ("pageCount",),
    "seconds": ("seconds",),
    "width": ("width",),
    "height": ("height",),
    "viewOnce": ("viewOnce",),
    "animated": ("isAnimated",),
    "thumbnail": ("JPEGThumbnail", "pngThumbnail"),
    "waveform": ("waveform",),
}

#: Those that are bytes, as base64.
_BYTES = frozenset({"thumbnail", "waveform"})

#: Messages whose content is in a message within them.
_WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "lottieStickerMessage",
    "editedMessage",
)


@dataclass(frozen=True, slots=True)
class Attachment:
    kind: str
    #: The protobuf that tells of the file.
    part: Any
    #: The messages that it is within, the outermost first.
    wrappers: tuple[str, ...]

    @property
    def keys(self) -> str:
        return KINDS[self.kind].keys

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES.get(self.kind, self.kind)

    @property
    def file(self) -> str:
        """The name under which the media host has it."""
        return str(self.part.directPath.partition("?")[0])

    def show(self) -> dict[str, Any]:
        """What is known of the file without opening it. Of waveform and thumbnail: how many bytes."""
        return {
            "kind": self.kind,
            "mimetype": self.part.mimetype,
            "size": self.part.fileLength,
            "caption": self._said("caption", ""),
            "name": self._said("fileName", ""),
            "seconds": self._said("seconds", 0),
            "width": self._said("width", 0),
            "height": self._said("height", 0),
            "ptt": self._said("PTT", False),
            "gifPlayback": self._said("gifPlayback", False),
            "viewOnce": self._said("viewOnce", False),
            "animated": self._said("isAnimated", False),
            "waveform": len(self._said("waveform", b"")),
            "thumbnail": len(self._said("JPEGThumbnail", b"") or self._said("pngThumbnail", b"")),
            "wrappers": list(self.wrappers),
        }

    def _said(self, name: str, otherwise: Any) -> Any:
        return getattr(self.part, name, otherwise)


def find(message: Any) -> Attachment | None:
    """The file that a message brings."""
    wrappers, message = _opened(message)
    for name, kind in KINDS.items():
        part = getattr(message, kind.part)
        if message.HasField(kind.part) and all(getattr(part, mark) == value for mark, value in kind.marks.items()):
            return Attachment(name, part, wrappers)
    return None


def unwrapped(message: Any) -> Any:
    """The message within its wrappers."""
    return _opened(message)[1]


def _opened(message: Any) -> tuple[tuple[str, ...], Any]:
    """The wrappers, the outermost first, and what is within them."""
    wrappers: tuple[str, ...] = ()
    while wrapper := next((name for name in _WRAPPERS if message.HasField(name)), None):
        wrappers += (wrapper,)
        message = getattr(message, wrapper).message
    return wrappers, message


def build(told: dict[str, Any], put: Callable[[str, Iterable[bytes]], File]) -> Any:
    """A message as WhatsApp writes it; `put` lays the file down. Raises InvalidInput."""
    name = told.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidInput(f'The body needs a "kind", one of: {", ".join(KINDS)}.')
    message = protos.e2e.Message()
    part = getattr(message, kind.part)
    part.mimetype, part.mediaKeyTimestamp = kind.mimetype, int(time.time())
    for option, value in _options(told):
        _set(part, option, value, str(name))
    for mark, value in kind.marks.items():
        setattr(part, mark, value)
    _tell_file(part, put(kind.keys, _content(told)))
    return _wrapped(message, kind, part)


def _options(told: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if unknown := sorted(told.keys() - _OPTIONS.keys() - {"kind", "data", "repeat"}):
        raise InvalidInput(f"Nothing is known of {' and of '.join(unknown)}.")
    return ((option, told[option]) for option in _OPTIONS if told.get(option) is not None)


def _content(told: dict[str, Any]) -> Iterable[bytes]:
    """`data`, `repeat` times over: so a file can be larger than its request."""
    data, times = decoded(told.get("data"), "data"), told.get("repeat", 1)
    if type(times) is not int or times < 1 or times * len(data) > LARGEST:
        raise InvalidInput(f'"repeat" must be a whole number, and the file {LARGEST} bytes at most.')
    return itertools.repeat(data, times)


def _set(part: Any, option: str, value: Any, kind: str) -> None:
    known = part.DESCRIPTOR.fields_by_name
    name = next((name for name in _OPTIONS[option] if name in known), None)
    if name is None:
        raise InvalidInput(f"A file of the kind {kind} has no {option}.")
    try:
        setattr(part, name, decoded(value, option) if option in _BYTES else value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f'"{option}" cannot be that: {error}.') from error


def _tell_file(part: Any, file: File) -> None:
    part.URL, part.directPath, part.mediaKey = file.url, file.path, file.key
    part.fileLength, part.fileSHA256, part.fileEncSHA256 = file.size, file.sha256, file.encrypted_sha256


def _wrapped(message: Any, kind: Kind, part: Any) -> Any:
    """What must not be overlooked by old clients, or is new to them, travels within another message."""
    outer = protos.e2e.Message()
    if getattr(part, "viewOnce", False):
        wrapper = "viewOnceMessageV2Extension" if kind.part == "audioMessage" else "viewOnceMessageV2"
    elif kind.part == "documentMessage" and part.caption:
        wrapper = "documentWithCaptionMessage"
    else:
        return message
    getattr(outer, wrapper).message.CopyFrom(message)
    return outer


def decoded(value: Any, name: str) -> bytes:
    """Raises InvalidInput."""
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise InvalidInput(f'"{name}" must be base64.') from None
