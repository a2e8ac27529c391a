"""Actions that do something to a message or a chat, or only take time -> commands and pauses.

Facts: contract, webhooks.md section 6. What an action of these lacks makes it Incomplete.
"""

import time
from collections import defaultdict
from collections.abc import Callable

from warest.commands import (
    ArchiveChat,
    Command,
    DeleteForMe,
    Edit,
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
from warest.contact_commands import BeSeen, ShowWriting
from warest.loose import parsed
from warest.presence_words import state_of
from warest.reactions.actions import Action, Incomplete
from warest.reactions.targets import Targets

#: A command, or a pause in s.
Step = Command | float

#: A mute lasts so many minutes: usually, and at most.
MUTED, LONGEST_MUTE = 60, 43_200

_MILLISECONDS = ("ms", "delayMs")


class Deeds:
    """Of one session. `pause` is the usual one, s."""

    def __init__(self, targets: Targets, pause: float) -> None:
        self._targets = targets
        self._pause = pause
        self._makers: dict[str, Callable[[Action], list[Step]]] = {
            "delay": self._delay,
            "typing": self._typing,
            "presence": self._presence,
            "react": self._react,
            "star": lambda action: [Star(key=self._targets.key(action, ours=False), starred=True)],
            "unstar": lambda action: [Star(key=self._targets.key(action, ours=False), starred=False)],
            "delete": lambda action: [self._delete(action, ours=False)],
            "revoke": self._revoke,
            "edit": self._edit,
            "read": self._read,
            "mute": self._mute,
            "unmute": lambda action: [MuteChat(chat=self._targets.chat(action), until=0)],
            "archive": lambda action: [self._archive(action, archived=True)],
            "unarchive": lambda action: [self._archive(action, archived=False)],
            "pin": lambda action: [self._pin(action, pinned=True)],
            "unpin": lambda action: [self._pin(action, pinned=False)],
            "chat-read": lambda action: [self._mark(action, read=True)],
            "chat-unread": lambda action: [self._mark(action, read=False)],
        }

    def steps(self, action: Action) -> list[Step]:
        """What is to be done, in this order. Raises Incomplete."""
        return self._makers[action.name](action)

    def _delay(self, action: Action) -> list[Step]:
        """With a `state` and a `to` they see it there meanwhile."""
        seconds = action.seconds(*_MILLISECONDS) or action.seconds("seconds", "sec", unit=1.0) or self._pause
        chat, state = self._targets.chat_of(action, {}), state_of(action.text("state"))
        return self._shown(chat, state, seconds) if chat and state in ("composing", "recording") else [seconds]

    def _typing(self, action: Action) -> list[Step]:
        return self._shown(self._targets.chat(action), "composing", action.seconds(*_MILLISECONDS) or self._pause)

    def _shown(self, chat: str, state: str, seconds: float) -> list[Step]:
        return [ShowWriting(chat=chat, presence=state), seconds, ShowWriting(chat=chat, presence="paused")]

    def _presence(self, action: Action) -> list[Step]:
        state = state_of(action.text("state", "status") or "available")
        if state in ("available", "unavailable"):
            return [BeSeen(available=state == "available")]
        if not state:
            raise Incomplete("`state` is no presence")
        return [ShowWriting(chat=self._targets.chat(action), presence=state)]

    def _react(self, action: Action) -> list[Step]:
        if not (emoji := action.text("emoji", "text", "reaction")):
            raise Incomplete("`emoji` is missing")
        return [React(key=self._targets.key(action, ours=False), emoji=emoji)]

    def _delete(self, action: Action, *, ours: bool) -> DeleteForMe:
        with_media = action.flag("deleteMedia", "withMedia", default=True)
        return DeleteForMe(key=self._targets.key(action, ours=ours), with_media=with_media)

    def _revoke(self, action: Action) -> list[Step]:
        steps: list[Step] = [Revoke(key=self._targets.key(action, ours=True))]
        return [*steps, self._delete(action, ours=True)] if action.flag("deleteForMe", default=False) else steps

    def _edit(self, action: Action) -> list[Step]:
        if not (text := action.text("message", "text")):
            raise Incomplete("`message` is missing")
        return [Edit(key=self._targets.key(action, ours=True), text=text)]

    def _read(self, action: Action) -> list[Step]:
        """A receipt names whose messages it is about; for our own nobody waits."""
        given = parsed(action.told.get("keys"))
        keys = [self._targets.key_of(action, each, ours=False) for each in given] if isinstance(given, list) else []
        keys = keys or [self._targets.key(action, ours=False)]
        by_author: dict[tuple[str, str], list[str]] = defaultdict(list)
        for key in keys:
            if not key.from_me:
                by_author[key.chat, _author(key)].append(key.id)
        return [MarkRead(chat=chat, ids=tuple(ids), sender=author) for (chat, author), ids in by_author.items()]

    def _mute(self, action: Action) -> list[Step]:
        """`duration` is in minutes."""
        minutes = min(max(action.number("duration", MUTED), 1), LONGEST_MUTE)
        return [MuteChat(chat=self._targets.chat(action), until=int(time.time()) + minutes * 60)]

    def _archive(self, action: Action, *, archived: bool) -> Command:
        chat = self._targets.chat(action)
        return ArchiveChat(chat=chat, archived=archived, last=self._targets.last_of(chat))

    def _pin(self, action: Action, *, pinned: bool) -> Command:
        """A chat, or a message in it."""
        if action.told.get("key"):
            return PinMessage(key=self._targets.key(action, ours=False), pin=pinned)
        return PinChat(chat=self._targets.chat(action), pinned=pinned)

    def _mark(self, action: Action, *, read: bool) -> Command:
        chat = self._targets.chat(action)
        return MarkChatRead(chat=chat, read=read, last=self._targets.last_of(chat))


def _author(key: Key) -> str:
    if key.participant:
        return key.participant
    if key.chat.endswith("@g.us"):
        raise Incomplete("`key.participant` has to say who wrote it in the group")
    return key.chat
