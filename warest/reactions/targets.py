"""Whom an action is about: a chat, and a message in it.

Facts: contract, webhooks.md section 6; quirk Q33: a `@lid`, such as `sender.chatId` may be, stays one. Unlike the
original, numbers with leading zeros get the country code in sends, too.
"""

from typing import Any

from warest import ids
from warest.action_commands import Key
from warest.errors import InvalidInput
from warest.loose import first, parsed
from warest.reactions.actions import Action, Incomplete, is_true
from warest.store import Message, SessionRecord, Store


class Targets:
    """Of one session."""

    def __init__(self, store: Store, record: SessionRecord, country_code: str) -> None:
        self._store = store
        self._record = record
        self.country_code = country_code

    def recipient(self, action: Action) -> str:
        """Whom a send goes to, a JID. Raises InvalidInput."""
        if found := self.jid(action.text("to")):
            return found
        raise InvalidInput("`to` is missing, or is nobody's address")

    def chat(self, action: Action) -> str:
        """Which chat a control is about, a JID. Raises Incomplete."""
        if found := self.chat_of(action, {}):
            return found
        raise Incomplete("`to` is missing, or is nobody's address")

    def chat_of(self, action: Action, key: dict[str, Any]) -> str:
        """The same, of the message that has this key if nothing else is said; empty: there is none."""
        return self.jid(action.text("to", "chat", "jid") or first(key, "remoteJid", "chat"))

    def jid(self, text: str) -> str:
        found = ids.recipient(text, self.country_code)
        return str(found) if found else ""

    def jids(self, tokens: list[str]) -> tuple[str, ...]:
        return tuple(map(str, ids.recipients(tokens, self.country_code)))

    def key(self, action: Action, *, ours: bool) -> Key:
        """The message that `key` names. `ours` is what is taken for granted of one that nothing is known of.

        Raises Incomplete.
        """
        return self.key_of(action, action.told.get("key", action.text("messageId")), ours=ours)

    def key_of(self, action: Action, given: object, *, ours: bool) -> Key:
        told = parsed(given)
        told = told if isinstance(told, dict) else {"id": told}
        chat, id = self.chat_of(action, told), first(told, "id")
        if not chat or not id:
            raise Incomplete("`key` has to name a message by its id, and `to` the chat that it is in")
        stored = self._stored(chat, id)
        from_me = _flag(told, stored, ours=ours)
        return Key(
            chat=chat,
            id=id,
            from_me=from_me,
            participant=self._author(told, stored) if ids.Jid.parse(chat).is_group and not from_me else "",
            timestamp=stored.ts if stored else 0,
        )

    def last_of(self, chat: str) -> Key | None:
        """The newest message of a chat, as far as it is known here."""
        page = self._store.messages.page(self._record.owner, self._record.ulid, self.stored_chat(chat), limit=1)
        if not page.rows:
            return None
        last = page.rows[0]
        author = last.sender if ids.Jid.parse(chat).is_group and not last.from_me else ""
        return Key(chat=chat, id=last.id, from_me=last.from_me, participant=author, timestamp=last.ts)

    def stored_chat(self, chat: str) -> str:
        """A chat is stored under the number of the other one, where it is known."""
        if not ids.Jid.parse(chat).is_lid:
            return chat
        contact = self._store.contacts.find(self._record.owner, self._record.ulid, chat)
        return contact.pn if contact and contact.pn else chat

    def _stored(self, chat: str, id: str) -> Message | None:
        chats = {chat, self.stored_chat(chat)}
        found = self._store.messages.find(self._record.owner, self._record.ulid, id)
        return next((message for message in found if message.chat in chats), None)

    def _author(self, told: dict[str, Any], stored: Message | None) -> str:
        return stored.sender if stored else self.jid(first(told, "participant"))


def _flag(told: dict[str, Any], stored: Message | None, *, ours: bool) -> bool:
    if stored:
        return stored.from_me
    return ours if told.get("fromMe") in (None, "") else is_true(told["fromMe"])
