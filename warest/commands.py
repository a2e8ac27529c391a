"""Every order that can be given to a session.

A command has one handler (whatsapp/outbound.py), and its errors go back to whoever gave it. It crosses processes as
the JSON of `encode`, inside a Dramatiq message on the session's own queue.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from warest.media.options import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class SendText:
    """Send a text to each of `to` (JIDs). `mentions` are JIDs that are named in the text as `@digits`.

    `reply_to` is the id of the quoted message. Result: a list of `Sent`, one for each recipient.
    """

    to: tuple[str, ...]
    text: str
    mentions: tuple[str, ...] = ()
    reply_to: str | None = None
    forwarded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SendFile:
    """Send the file that lies in the spool under `file` to each of `to` (JIDs), and delete it there.

    `kind` is what it is sent as (media.Kind); `name` is what the receiver of a document sees. From `width` on it is
    said what the file is: in pixels and seconds, `thumbnail` (a JPEG) and `waveform` (64 bytes, 0 to 100) in base64; 0
    and the empty text are unknown. Result: a list of `Sent`, one for each recipient.
    """

    kind: Kind
    to: tuple[str, ...]
    file: str
    mimetype: str
    name: str = ""
    caption: str = ""
    view_once: bool = False
    reply_to: str | None = None
    forwarded: bool = False
    width: int = 0
    height: int = 0
    seconds: int = 0
    thumbnail: str = ""
    waveform: str = ""
    is_animated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PairPhone:
    """Link by a code that is typed on the phone `phone` (digits), in place of the QR.

    Result: the code, such as `ABCD-1234`; it dies with the QRs of the process, after some two minutes.
    """

    phone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Logout:
    """Unlink this device at WhatsApp. Result: nothing."""


type_of: dict[str, type] = {kind.__name__: kind for kind in (SendText, SendFile, PairPhone, Logout)}

#: Those whose outcome is kept in a record of its own (store.sends).
SENDS = (SendText, SendFile)

Command = SendText | SendFile | PairPhone | Logout


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
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "type"}
    command: Command = type_of[data["type"]](**fields)
    return command
