"""Every order that can be given to a session.

A command has one handler (whatsapp/outbound.py), and its errors go back to whoever gave it. It crosses processes as
the JSON of `encode`, inside a Dramatiq message on the session's own queue.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, get_args

from warest.action_commands import (
    Action,
    ArchiveChat,
    ClearChat,
    DeleteForMe,
    Done,
    Edit,
    FollowChannel,
    Key,
    MarkChatRead,
    MarkRead,
    MuteChat,
    PinChat,
    PinMessage,
    React,
    Revoke,
    Star,
)
from warest.contact_commands import ContactCommand
from warest.group_commands import GroupCommand
from warest.media.options import Kind
from warest.profile_commands import ProfileCommand

__all__ = [
    "PRESENCES", "SENDS", "Action", "ArchiveChat", "CheckNumbers", "ClearChat", "Command", "DeleteForMe",
    "Done", "Edit", "FollowChannel", "GroupExists", "Key", "Logout", "LookUp", "MarkChatRead", "MarkRead",
    "MuteChat", "OnWhatsApp", "Outgoing", "PairPhone", "PinChat", "PinMessage", "React", "ResolveName",
    "Revoke", "SendAlbum", "SendContacts", "SendContent", "SendFile", "SendFiles", "SendInteractive",
    "SendLiveLocation", "SendLocation", "SendPoll", "SendText", "Sent", "ShowStatus", "Star", "WithFile",
    "decode", "encode", "type_of",
]  # fmt: skip

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
class ShowStatus(Outgoing):
    """Show a text as a status; `to` is ids.STATUS. Colours are ARGB in 32 bits; `font` is one of WhatsApp's numbers."""

    text: str
    background: int
    foreground: int
    font: int


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
class SendAlbum(Outgoing):
    """Send pictures and videos that phones show together, a message each behind one that announces them.

    Each is an object of the fields of SendFile that say what it is, and `size` (bytes). The result of a recipient is
    that of SendFiles, with the message that announces them.
    """

    files: tuple[dict[str, Any], ...]

    def single(self, file: dict[str, Any]) -> SendFile:
        """One of them, as if it were sent alone."""
        about = {name: value for name, value in file.items() if name != "size"}
        return SendFile(to=self.to, forwarded=self.forwarded, expirations=self.expirations, **about)


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
class SendLiveLocation(Outgoing):
    """Send where somebody is now, in degrees. `accuracy` is in m, `speed` in m/s, `heading` in degrees clockwise from
    north; None where it is not known."""

    latitude: float
    longitude: float
    caption: str = ""
    accuracy: int | None = None
    speed: float | None = None
    heading: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SendPoll(Outgoing):
    """Ask a question. `selectable` is how many of the options one may choose."""

    question: str
    options: tuple[str, ...]
    selectable: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SendContent(Outgoing):
    """Send a message as events and the database hold it: one content under the original's name (whatsapp/payload.py).

    Forwarded, it says nothing any more of whom it answered and named.
    """

    content: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckNumbers:
    """Ask WhatsApp about numbers (digits). Result: a list of `OnWhatsApp`, in the same order."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveName:
    """The other name of an account (a JID). Result: `{"pn", "lid"}`, as far as the engine knows them."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupExists:
    """Whether this account can see a group (a JID). Result: a bool."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PairPhone:
    """Link by a code that is typed on the phone `phone` (digits), in place of the QR.

    Result: the code, such as `ABCD-1234`; it dies with the QRs of the process, after some two minutes.
    """

    phone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Logout:
    """Unlink this device at WhatsApp. Result: nothing."""


#: Questions about accounts.
LookUp = CheckNumbers | ResolveName | GroupExists

#: Those whose outcome is kept in a record of its own (store.sends).
SENDS = (
    SendText,
    ShowStatus,
    SendFile,
    SendFiles,
    SendAlbum,
    SendInteractive,
    SendContacts,
    SendLocation,
    SendLiveLocation,
    SendPoll,
    SendContent,
)

Command = Outgoing | Action | LookUp | ContactCommand | GroupCommand | ProfileCommand | PairPhone | Logout

type_of: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *SENDS, *get_args(Action), *get_args(LookUp), *get_args(ContactCommand), *get_args(GroupCommand),
        *get_args(ProfileCommand), PairPhone, Logout,
    )
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What one recipient of a send got. `timestamp` is in epoch seconds; `sender` the digits of our number."""

    to: str
    to_pn: str | None
    to_lid: str | None
    message_id: str
    timestamp: int
    sender: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OnWhatsApp:
    """What WhatsApp says of a number (digits): both names of its account (JIDs), where they are known."""

    number: str
    exists: bool
    pn: str | None
    lid: str | None


def encode(command: Command) -> dict[str, Any]:
    return {"type": type(command).__name__, **dataclasses.asdict(command)}


def decode(data: dict[str, Any]) -> Command:
    """The command that `encode` wrote."""
    fields = {name: _decoded(value) for name, value in data.items() if name != "type"}
    command: Command = type_of[data["type"]](**fields)
    return command


def _decoded(value: Any) -> Any:
    """JSON has made lists of tuples, and objects of keys."""
    if isinstance(value, dict):
        return Key(**value) if "from_me" in value else value
    return tuple(map(_decoded, value)) if isinstance(value, list) else value
