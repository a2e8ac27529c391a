"""Every order that can be given to a session.

A command has one handler (whatsapp/outbound.py), and its errors go back to whoever gave it. It crosses processes as
the JSON of `encode`, inside a Dramatiq message on the session's own queue.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from warest.media.options import Kind

#: What one can be seen to be.
PRESENCES = ("available", "unavailable", "composing", "recording", "paused")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """What is sent to each of `to` (JIDs). `reply_to` is the id of the quoted message.

    `quoted` is that message, as far as it is known: its `chat`, its `participant` (JIDs) and the `message` in the
    original's JSON. `expirations`: in which chats messages disappear, and after how long, s. `presence` is what those
    at the other end see for a moment before: one of PRESENCES, or nothing. The result of each is a list of `Sent`,
    one for each recipient.
    """

    to: tuple[str, ...]
    reply_to: str | None = None
    quoted: dict[str, Any] | None = None
    forwarded: bool = False
    expirations: dict[str, int] = field(default_factory=dict)
    presence: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendText(Outgoing):
    """Send a text. `mentions` are JIDs that are named in the text as `@digits`; `mention_all`: all of a group, too.

    `preview` is what is shown of the page that `link`, a URL in the text, leads to: its `title`, `description` and
    `thumbnail` (a JPEG, in base64), of which any may be missing.
    """

    text: str
    mentions: tuple[str, ...] = ()
    mention_all: bool = False
    link: str = ""
    preview: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithFile(Outgoing):
    """What needs the file that lies in the spool under `file`, and deletes it there.

    `kind` is what it is sent as (media.Kind). From `width` on it is said what the file is: in pixels and seconds,
    `thumbnail` (a JPEG) and `waveform` (64 bytes, 0 to 100) in base64; 0 and the empty text are unknown.
    """

    kind: Kind
    file: str
    mimetype: str
    width: int = 0
    height: int = 0
    seconds: int = 0
    thumbnail: str = ""
    waveform: str = ""
    is_animated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SendFile(WithFile):
    """Send a file. `name` is what the receiver of a document sees."""

    name: str = ""
    caption: str = ""
    view_once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SendFiles(Outgoing):
    """Send several files as documents, a message each, in this order.

    Each is an object of `file` (its key in the spool), `name`, `mimetype`, `size` (bytes), `caption`, `reply_to` and
    `quoted`. The result of a recipient has `files` in place of a message id: `name`, `mimetype`, `size`, `reply_to` and
    either `message_id` and `timestamp` or `error`, of each.
    """

    files: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SendInteractive(WithFile):
    """Send a text with buttons below it, each what WhatsApp calls its kind and its parameters in JSON. `file`, if there
    is one, is a picture above it."""

    kind: Kind = "image"
    file: str = ""
    mimetype: str = ""
    text: str
    footer: str = ""
    buttons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SendContacts(Outgoing):
    """Send contact cards, each the name that is shown and a vCard (vcards.py). Several are shown as `title`."""

    cards: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendLocation(Outgoing):
    """Send a place, in degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendPoll(Outgoing):
    """Ask a question. `selectable` is how many of the options one may choose."""

    question: str
    options: tuple[str, ...]
    selectable: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class PairPhone:
    """Link by a code that is typed on the phone `phone` (digits), in place of the QR.

    Result: the code, such as `ABCD-1234`; it dies with the QRs of the process, after some two minutes.
    """

    phone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Logout:
    """Unlink this device at WhatsApp. Result: nothing."""


#: Those whose outcome is kept in a record of its own (store.sends).
SENDS = (SendText, SendFile, SendFiles, SendInteractive, SendContacts, SendLocation, SendPoll)

type_of: dict[str, type] = {kind.__name__: kind for kind in (*SENDS, PairPhone, Logout)}

Command = Outgoing | PairPhone | Logout


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What one recipient of a send got. `timestamp` is in epoch seconds; `sender` the digits of our number."""

    to: str
    to_pn: str | None
    to_lid: str | None
    message_id: str
    timestamp: int
    sender: str


def encode(command: Command) -> dict[str, Any]:
    return {"type": type(command).__name__, **dataclasses.asdict(command)}


def decode(data: dict[str, Any]) -> Command:
    """The command that `encode` wrote; JSON has made lists of its tuples."""
    fields = {key: _tuples(value) for key, value in data.items() if key != "type"}
    command: Command = type_of[data["type"]](**fields)
    return command


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
