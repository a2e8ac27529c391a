"""The control API's calls that have a phone write to somebody: messages, and what is about messages."""

from collections.abc import Callable
from typing import Any

from warest.errors import Conflict, InvalidInput, NotFound
from warest.sandbox import attachments, composing
from warest.sandbox.accounts import Account
from warest.sandbox.groups import Chat, Group
from warest.sandbox.history import Target
from warest.sandbox.network import Network
from warest.sandbox.web import Request
from warest.whatsapp import protos

Sent = dict[str, Any]


class Writing:
    def __init__(self, network: Network) -> None:
        self._network = network
        #: What follows /phones/{phone}/ -> who does it; `POST` all of them.
        self.routes: dict[str, Callable[[Request, Account], Sent]] = {
            "messages": self._message,
            "media": self._media,
            "reactions": self._reaction,
            "edits": self._edit,
            "revokes": self._revoke,
            "pins": self._pin,
            "polls": self._poll,
            "votes": self._vote,
            "receipts": self._receipts,
        }

    def _message(self, request: Request, account: Account) -> Sent:
        told = request.json()
        to = self._to(account, told)
        if "reply" in told:
            quoted = told["reply"].get("id") if isinstance(told["reply"], dict) else None
            message = composing.reply(composing.text(told, "text"), self._target(account, to, quoted))
        else:
            message = composing.message(told)
        return self._send(account, to, message, self._new_id(account, told))

    def _media(self, request: Request, account: Account) -> Sent:
        """A message that brings a file: see attachments.py."""
        told = request.json()
        to, message_id = self._to(account, told), self._new_id(account, told)
        file = {name: value for name, value in told.items() if name not in ("to", "id")}
        message = attachments.build(file, self._network.files.put)
        return self._send(account, to, message, message_id)

    def _reaction(self, request: Request, account: Account) -> Sent:
        """An empty emoji takes it back."""
        told = request.json()
        to, target = self._about(account, told)
        emoji = told.get("emoji")
        if not isinstance(emoji, str):
            raise InvalidInput('The body needs "emoji", a text; an empty one takes the reaction back.')
        return self._send(account, to, composing.reaction(_key(account, to, target), emoji))

    def _edit(self, request: Request, account: Account) -> Sent:
        told = request.json()
        to, target = self._about(account, told, own=True)
        message = composing.edit(_key(account, to, target), composing.text(told, "text"), target)
        return self._send(account, to, message)

    def _revoke(self, request: Request, account: Account) -> Sent:
        told = request.json()
        to, target = self._about(account, told, own=True)
        return self._send(account, to, composing.revoke(_key(account, to, target)))

    def _pin(self, request: Request, account: Account) -> Sent:
        told = request.json()
        to, target = self._about(account, told)
        return self._send(account, to, composing.pin(_key(account, to, target), told))

    def _poll(self, request: Request, account: Account) -> Sent:
        told = request.json()
        return self._send(account, self._to(account, told), composing.poll(told), self._new_id(account, told))

    def _vote(self, request: Request, account: Account) -> Sent:
        told = request.json()
        to, target = self._about(account, told)
        options = composing.texts(told, "options")
        return self._send(account, to, composing.vote(_key(account, to, target), options, target, account))

    def _receipts(self, request: Request, account: Account) -> Sent:
        """The phone's owner has read messages, or played them."""
        told = request.json()
        to, ids, kind = self._to(account, told), composing.texts(told, "ids"), told.get("type", "read")
        if kind not in ("read", "played") or not ids:
            raise InvalidInput('"type" must be read or played, and "ids" not empty.')
        by_sender: dict[Account, list[str]] = {}
        for message_id in ids:
            by_sender.setdefault(self._target(account, to, message_id).sender, []).append(message_id)
        if account in by_sender:
            raise InvalidInput(f"{by_sender[account][0]} is the phone's own message.")
        for sender, some in by_sender.items():
            self._network.phones.acknowledge(account, to, sender, some, kind)
        return {"ids": ids, "type": kind}

    def _send(self, account: Account, to: Chat, message: Any, message_id: str = "") -> Sent:
        return {"id": self._network.phones.send(account, to, message, message_id)}

    def _new_id(self, account: Account, told: dict[str, Any]) -> str:
        message_id = composing.text(told, "id") if "id" in told else ""
        if message_id and self._network.history.has(account, account, message_id):
            raise Conflict(f"{account.phone} has sent a message {message_id} already.")
        return message_id

    def _to(self, account: Account, told: dict[str, Any]) -> Chat:
        """A phone, or a group that this one is in."""
        chat = self._network.groups.chat(composing.text(told, "to"))
        if isinstance(chat, Group) and account not in chat.members:
            raise InvalidInput(f"{account.phone} is not in {chat.key}.")
        return chat

    def _about(self, account: Account, told: dict[str, Any], *, own: bool = False) -> tuple[Chat, Target]:
        """The chat, and the message in it that `id` names; an `own` one where nobody else's will do."""
        to = self._to(account, told)
        target = self._target(account, to, told.get("id"))
        if own and target.sender is not account:
            raise InvalidInput(f"{target.id} is not the phone's own message.")
        return to, target

    def _target(self, account: Account, to: Chat, message_id: Any) -> Target:
        found = self._network.history.target(account, to, message_id) if isinstance(message_id, str) else None
        if found is None:
            raise NotFound(f"{account.phone} shows no message {message_id!r} in its chat with {to.key}.")
        return found


def _key(account: Account, chat: Chat, target: Target) -> Any:
    """How the phone names a message of a chat to the others there."""
    is_own = target.sender is account
    if isinstance(chat, Account):
        return protos.common.MessageKey(remoteJID=str(chat.lid), fromMe=is_own, ID=target.id)
    who = {} if is_own else {"participant": str(target.sender.lid)}
    return protos.common.MessageKey(remoteJID=chat.key, fromMe=is_own, ID=target.id, **who)
