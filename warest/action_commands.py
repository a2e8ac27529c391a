"""The orders that do something to messages and chats."""

from dataclasses import dataclass

from warest.contact_commands import ChatAction


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A message in a chat (a JID). `participant` (a JID) is who wrote it in a group, unless we did. `timestamp` is in
    epoch seconds, 0 where it is not known."""

    chat: str
    id: str
    from_me: bool
    participant: str = ""
    timestamp: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class React:
    """React to a message; an empty emoji takes the reaction back. Result: `Done`, as of all that follow."""

    key: Key
    emoji: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """Replace the text of a message of our own. `mentions` as in SendText."""

    key: Key
    text: str
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoke:
    """Delete a message for everybody: one of our own, or as an admin of the group."""

    key: Key


@dataclass(frozen=True, kw_only=True, slots=True)
class PinMessage:
    """Pin a message in its chat for so many seconds, or unpin it."""

    key: Key
    pin: bool
    seconds: int = 604_800


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkRead:
    """Tell `sender` (a JID) that we have read messages. In a chat of two `sender` is the chat."""

    chat: str
    ids: tuple[str, ...]
    sender: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Star:
    """Star a message, or take the star away."""

    key: Key
    starred: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteForMe:
    """Delete a message on our own devices, and its file with it if `with_media`."""

    key: Key
    with_media: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class MuteChat:
    """Until then, in epoch seconds; 0 unmutes."""

    chat: str
    until: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveChat:
    """`last` is the chat's newest message, where it is known: the chat comes back with a newer one."""

    chat: str
    archived: bool
    last: Key | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PinChat:
    """Keep a chat above the others."""

    chat: str
    pinned: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ClearChat:
    """Delete all messages of a chat, up to the `last`, on our own devices."""

    chat: str
    last: Key | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkChatRead:
    """Let our own devices show a chat as read, or as unread."""

    chat: str
    read: bool
    last: Key | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowChannel:
    """Follow a channel (a JID), or do so no longer."""

    jid: str
    follows: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """`synced`: WhatsApp was told. False: the engine could not set it in the account's app state; the phone does not
    know."""

    synced: bool


#: What is done to messages and chats; each has the result `Done`.
Action = (
    React
    | Edit
    | Revoke
    | PinMessage
    | MarkRead
    | Star
    | DeleteForMe
    | MuteChat
    | ArchiveChat
    | PinChat
    | ClearChat
    | MarkChatRead
    | FollowChannel
    | ChatAction
)
