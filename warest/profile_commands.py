"""The orders that are about accounts and what they show of themselves. All JIDs are texts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LookAt:
    """What accounts (JIDs) show of themselves. Result: a list of `Shown`, in the same order.

    `pictures`: also where their pictures are, which is asked of each by itself.
    """

    jids: tuple[str, ...]
    pictures: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowPicture:
    """Show a picture of oneself: `file`, in the spool, is a JPEG; it is deleted there. Result: the picture's id."""

    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HidePicture:
    """Show no picture any more: `jid` is a group's, or empty for oneself. Result: nothing. Raises Unsupported where the
    engine is not mended."""

    jid: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskPrivacy:
    """Who may see what of this account. Result: WhatsApp's word for each of PRIVACY."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetName:
    """What the account calls itself, to those who do not have it in their address books. Result: nothing."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAbout:
    """The text that the account shows about itself. Result: nothing."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadContacts:
    """Have the database learn the phone's address book, as far as the engine knows it. Result: nothing."""


ProfileCommand = LookAt | ShowPicture | HidePicture | AskPrivacy | SetName | SetAbout | ReadContacts

#: Of what it is said who may.
PRIVACY = ("readReceipts", "profilePhoto", "status", "online", "lastSeen", "groupAdd", "callAdd")


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Where a picture is; `type` is `image` for the whole, `preview` for a small one."""

    id: str
    url: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What an account shows; what it does not show, or what is not known, is empty. `full` and `preview` are the
    fields of `Picture`, or nothing. `verified_name` is that of a business; `push_name`, which only the account itself
    knows, what it calls itself."""

    jid: str
    pn: str
    lid: str
    about: str
    picture_id: str
    verified_name: str = ""
    push_name: str = ""
    full: dict[str, str] | None = None
    preview: dict[str, str] | None = None
