"""The orders that are about other people: who is seen to be there, who may not write, calls, and how long what is
written stays. All JIDs are texts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BeSeen:
    """Be seen to be there by everybody who may, or no longer. Result: nothing."""

    available: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowWriting:
    """Show those in a chat that we write: `presence` is composing, recording or paused. Result: `Done`."""

    chat: str
    presence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchPresence:
    """Ask to be told when somebody is there or no longer, as long as the session stays online. Result: `Done`."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskBlocked:
    """Whom the account has blocked. Result: `{"pn", "lid"}` of each, empty where it is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Keep somebody from writing and calling, or no longer. Result: as of AskBlocked, afterwards."""

    jid: str
    blocked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectCall:
    """Reject a call, that of `caller` (a JID); it may be empty while the call's process lives. Result: who called.

    Raises NotFound when that is not known.
    """

    call_id: str
    caller: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTimer:
    """Have messages of a chat disappear after so many seconds (one of TIMERS). Result: `Done`."""

    chat: str
    seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SetDefaultTimer:
    """The same for chats of two that others, or we, begin from now on. Result: nothing."""

    seconds: int


#: What WhatsApp lets one choose, s; 0: they stay.
TIMERS = (0, 86_400, 604_800, 7_776_000)

ContactCommand = BeSeen | AskBlocked | Block | RejectCall | SetDefaultTimer
ChatAction = ShowWriting | WatchPresence | SetTimer
