"""What a phone shows: the messages that it sent and received, decrypted."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from warest.errors import NotFound
from warest.ids import Jid
from warest.sandbox import attachments, polls, reading
from warest.sandbox.accounts import Account, Accounts
from warest.sandbox.groups import Chat, Groups
from warest.sandbox.store import Store
from warest.whatsapp import protos

#: How far a message has come, in this order. A later word never gives way to an earlier one.
STATUSES = ("sent", "delivered", "read", "played")

_PAGE = 1000

#: How much of it a newly linked session is told.
_LATEST = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One message to an account or a group; `message` is the protobuf as the people see it.

    `retries` is how often the phone had to ask for it again before it could open it.
    """

    chat: Chat
    sender: Account
    id: str
    timestamp: int
    message: Any
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A message that another one is about; `entry` is the JSON of how it is shown."""

    seq: int
    id: str
    sender: Account
    message: Any
    entry: str


class History:
    def __init__(self, store: Store, accounts: Accounts, groups: Groups) -> None:
        self._store = store
        self._accounts = accounts
        self._groups = groups
        self._arrivals: dict[str, asyncio.Event] = {}

    def add(self, owner: Account, item: Item) -> None:
        """Show the message on a phone; a second time it changes nothing."""
        receiver = owner if item.sender is not owner and isinstance(item.chat, Account) else item.chat
        entry = {
            **reading.describe(item.message, self._name),
            "from": item.sender.phone,
            "to": receiver.key,
            "id": item.id,
            "timestamp": item.timestamp,
            "fromMe": item.sender is owner,
            **({"retries": item.retries} if item.retries else {}),
        }
        added = self._store.write(
            "insert or ignore into messages (phone, chat, sender, id, status, message, entry)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            *(owner.phone, item.chat.key, item.sender.phone, item.id, "sent"),
            *(item.message.SerializeToString(), json.dumps(entry)),
        )
        if added:
            self._apply(owner, item)
        if arrival := self._arrivals.pop(owner.phone, None):
            arrival.set()

    def _apply(self, owner: Account, item: Item) -> None:
        """What a message says about another one, the phone shows there too."""
        content = attachments.unwrapped(item.message)
        key = reading.target_of(content)
        if key is None or (found := self.target(owner, item.chat, key.ID)) is None:
            return
        entry = json.loads(found.entry)
        if content.HasField("pollUpdateMessage"):
            self._count(owner, item, content.pollUpdateMessage.vote, found, entry)
        elif content.HasField("reactionMessage"):
            others = {who: emoji for who, emoji in entry.get("reactions", {}).items() if who != item.sender.phone}
            emoji = content.reactionMessage.text
            entry["reactions"] = others | ({item.sender.phone: emoji} if emoji else {})
        elif content.HasField("pinInChatMessage"):
            entry["pinned"] = content.pinInChatMessage.type == protos.e2e.PinInChatMessage.PIN_FOR_ALL
        elif found.sender is item.sender:  # Nobody changes what somebody else has written.
            _rewrite(entry, content.protocolMessage)
        self._rewritten(found.seq, entry)

    def _count(self, owner: Account, item: Item, sealed: Any, found: "Target", entry: dict[str, Any]) -> None:
        """A vote replaces the earlier ones of the same voter."""
        options = polls.chosen(sealed, found.message, found.id, found.sender, item.sender)
        if options is None:
            return
        for option, voters in entry["poll"]["votes"].items():
            voters[:] = [voter for voter in voters if voter != item.sender.phone]
            voters += [item.sender.phone] * (option in options)
        own = self.target(owner, item.chat, item.id)
        assert own
        shown = json.loads(own.entry)
        shown["vote"]["options"] = options
        self._rewritten(own.seq, shown)

    def _rewritten(self, seq: int, entry: dict[str, Any]) -> None:
        self._store.write("update messages set entry = ? where seq = ?", json.dumps(entry), seq)

    def target(self, owner: Account, chat: Chat, message_id: str) -> "Target | None":
        """A message of a chat that the phone shows."""
        for seq, sender, data, entry in self._store.read(
            "select seq, sender, message, entry from messages where phone = ? and chat = ? and id = ?",
            *(owner.phone, chat.key, message_id),
        ):
            sent_by, message = self._accounts.phone(sender), protos.e2e.Message.FromString(data)
            return Target(seq, message_id, sent_by, message, entry)
        return None

    def has(self, owner: Account, sender: Account, message_id: str) -> bool:
        return bool(self._find(owner, sender, message_id))

    def sent(self, owner: Account, message_id: str) -> tuple[Chat, Any] | None:
        """The chat and the protobuf of a message that the phone itself sent or saw its account send."""
        for chat, data in self._find(owner, owner, message_id):
            return self._groups.chat(chat), protos.e2e.Message.FromString(data)
        return None

    def message(self, owner: Account, message_id: str) -> Any:
        """The protobuf of a message that the phone shows, whoever sent it. Raises NotFound."""
        for (data,) in self._store.read(
            "select message from messages where phone = ? and id = ?", owner.phone, message_id
        ):
            return protos.e2e.Message.FromString(data)
        raise NotFound(f"{owner.phone} shows no message {message_id}.")

    def brings(self, message_id: str, file: str) -> bool:
        """Whether the message of this id, on whichever phone, brings this file of the media host."""
        for (data,) in self._store.read("select message from messages where id = ? limit 1", message_id):
            attachment = attachments.find(protos.e2e.Message.FromString(data))
            return attachment is not None and attachment.file == file
        return False

    def _find(self, owner: Account, sender: Account, message_id: str) -> list[Any]:
        where = "select chat, message from messages where phone = ? and sender = ? and id = ?"
        return self._store.read(where, owner.phone, sender.phone, message_id)

    def mark(self, owner: Account, message_ids: list[str], status: str) -> None:
        """A receipt for messages of `owner` has come."""
        later = STATUSES[STATUSES.index(status) :]
        self._store.write_many(
            "update messages set status = ? where phone = ? and sender = ? and id = ?"
            f" and status not in ({', '.join(repr(word) for word in later)})",
            ((status, owner.phone, owner.phone, message_id) for message_id in message_ids),
        )

    def page(self, owner: Account, after: int) -> list[dict[str, Any]]:
        rows = self._store.read(
            f"select seq, status, entry from messages where phone = ? and seq > ? order by seq limit {_PAGE}",
            *(owner.phone, after),
        )
        return [_show(seq, status, json.loads(entry)) for seq, status, entry in rows]

    def latest(self, owner: Account) -> list[tuple[int, str, Item]]:
        """The newest messages, with number and status, the newest first."""
        rows = self._store.read(
            "select seq, status, chat, sender, id, entry, message from messages where phone = ?"
            f" order by seq desc limit {_LATEST}",
            owner.phone,
        )
        phone, parse = self._accounts.phone, protos.e2e.Message.FromString
        return [
            (
                seq,
                status,
                Item(
                    self._groups.chat(chat), phone(sender), message_id, json.loads(entry)["timestamp"], parse(message)
                ),
            )
            for seq, status, chat, sender, message_id, entry, message in rows
        ]

    async def wait(self, owner: Account, after: int, seconds: float) -> list[dict[str, Any]]:
        """A page as soon as there is something on it; an empty one when time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not (found := self.page(owner, after)) and (left := deadline - loop.time()) > 0:
            arrival = self._arrivals.setdefault(owner.phone, asyncio.Event())
            try:
                await asyncio.wait_for(arrival.wait(), left)
            except TimeoutError:
                break
        return found

    def _name(self, text: str) -> str:
        """The phone number of whom a JID names, where the network knows it."""
        account = self._accounts.find(Jid.parse(text)) if "@" in text else None
        return account.phone if account else text


def _show(seq: int, status: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Only what the phone sent has a status: how far it has come."""
    return {"seq": seq, **entry} | ({"status": status} if entry["fromMe"] else {})


def _rewrite(entry: dict[str, Any], protocol: Any) -> None:
    kinds = protos.e2e.ProtocolMessage
    if protocol.type == kinds.REVOKE:
        entry |= {"text": "", "revoked": True}
    elif protocol.type == kinds.MESSAGE_EDIT:
        entry |= {"text": reading.text_of(attachments.unwrapped(protocol.editedMessage)), "edited": True}
