"""What phones do: send, receive, acknowledge, ask for a retry and answer one."""

import logging
import secrets
import time
from typing import Any

from google.protobuf.message import DecodeError

from warest.ids import Jid
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.crypto import DJB
from warest.sandbox.delivery import Delivery
from warest.sandbox.envelopes import Envelope, envelope
from warest.sandbox.groups import STATUS, Chat, Group, Groups, StatusUpdates
from warest.sandbox.history import History, Item
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.sandbox.phone import PhoneKeys
from warest.sandbox.profiles import Profiles
from warest.sandbox.sender_keys import GroupKeys
from warest.sandbox.signal import Bundle, Undecryptable
from warest.whatsapp import protos

log = logging.getLogger(__name__)

_MAX_RETRIES = 5


class Phones:
    def __init__(
        self,
        accounts: Accounts,
        groups: Groups,
        keys: PhoneKeys,
        group_keys: GroupKeys,
        delivery: Delivery,
        history: History,
        profiles: Profiles,
    ) -> None:
        self._accounts = accounts
        self._groups = groups
        self._keys = keys
        self._group_keys = group_keys
        self._delivery = delivery
        self._history = history
        self._profiles = profiles
        self._retries: dict[tuple[str, str], int] = {}

    # Sending

    def send(self, sender: Account, to: Chat, message: Any, message_id: str = "") -> str:
        """Send a message as the phone: to the others' phones and sessions, and to its own sessions."""
        item = Item(to, sender, message_id or "3A" + secrets.token_hex(9).upper(), int(time.time()), message)
        if isinstance(to, Group):
            return self._send_to_many(to, to.members, item)
        if isinstance(to, StatusUpdates):
            return self._send_to_many(to, list(self._accounts), item)
        self._history.add(sender, item)
        is_heard = not self._profiles.blocks(to, sender)
        if to is not sender and is_heard:
            # From phone to phone nothing is encrypted: both live in this process.
            self._history.add(to, Item(sender, sender, item.id, item.timestamp, message))
            self._history.mark(sender, [item.id], "delivered")
        theirs = [*to.devices.values()] if is_heard else []
        for device in (*theirs, *(sender.devices.values() if sender is not to else ())):
            self._delivery.post(device, self._stanza(item, device))
        return item.id

    def _send_to_many(self, chat: Group | StatusUpdates, members: list[Account], item: Item) -> str:
        for member in members:
            self._history.add(member, item)
        self._history.mark(item.sender, [item.id], "delivered")
        outside = envelope(item.message)
        distribution, shared = self._group_keys.encrypt(item.sender, chat.jid, item.message.SerializeToString())
        shared.attrs |= _about(outside)
        key = _key_message(chat, distribution).SerializeToString()
        for device in (device for member in members for device in member.devices.values()):
            encs = [self._keys.encrypt(item.sender, device, key), shared]
            self._delivery.post(device, Node("message", _address(item, device), [*encs, *outside.children()]))
        return item.id

    def _stanza(self, item: Item, device: Device, *, retry: int = 0) -> Node:
        """The message for one device: a session of the sender's own account gets a copy that names the chat."""
        sender, message, outside = item.sender, item.message, envelope(item.message)
        if not isinstance(item.chat, Account):
            again = _key_message(item.chat, self._group_keys.distribution(sender, item.chat.jid))
            again.MergeFrom(message)
            message = again
        elif device.account is sender:
            message = protos.e2e.Message(
                deviceSentMessage=protos.e2e.DeviceSentMessage(destinationJID=str(item.chat.lid), message=message)
            )
        enc = self._keys.encrypt(sender, device, message.SerializeToString(), afresh=retry > 0)
        enc.attrs |= _about(outside) | ({"count": str(retry)} if retry else {})
        return Node("message", _address(item, device), [enc, *outside.children()])

    def acknowledge(self, reader: Account, chat: Chat, sender: Account, message_ids: list[str], kind: str) -> None:
        """The phone's owner has read messages of somebody, or played them: `kind` is read or played."""
        self._history.mark(sender, message_ids, kind)
        first, *others = message_ids
        items = [Node("list", {}, [Node("item", {"id": other}) for other in others])] if others else []
        attrs = _from(reader, chat) | {"id": first, "type": kind, "t": str(int(time.time()))}
        self._delivery.post_all(sender, Node("receipt", attrs, items or None))
        # The sessions of the reader's own account need not show them as new.
        own: dict[str, Value] = {"recipient": sender.lid} if chat is sender else {}
        self._delivery.post_all(reader, Node("receipt", attrs | own, items or None))

    # Receiving

    def receive(self, phone: Account, sender: Device, stanza: Node, enc: Node) -> None:
        """One copy of a message has reached a phone."""
        message_id = stanza.text("id")
        if self._history.has(phone, sender.account, message_id):
            return  # Sent again because its ack got lost.
        try:
            message = protos.e2e.Message.FromString(self._keys.decrypt(phone, sender, enc))
        except Undecryptable as reason:
            self._ask_again(phone, sender, stanza, str(reason))
            return
        except DecodeError as error:
            raise MalformedNode("what was encrypted is no Message") from error
        retries = self._retries.pop((str(sender.lid), message_id), 0)
        if stanza.attrs.get("category") == "peer":
            return  # Between the devices of one account: nothing that people see.
        self._take(phone, sender, message_id, message, retries)

    def receive_in_group(
        self, phone: Account, sender: Device, stanza: Node, group: Group | StatusUpdates, encs: list[Node]
    ) -> None:
        """The same of a message to a group, or a status: the sender's key, the message under it, or after a retry both
        in one."""
        message_id = stanza.text("id")
        if self._history.has(phone, sender.account, message_id):
            return
        try:
            messages = [self._opened(phone, sender, group, enc) for enc in encs]
        except Undecryptable as reason:
            self._ask_again(phone, sender, stanza, str(reason))
            return
        except DecodeError as error:
            raise MalformedNode("what was encrypted is no Message") from error
        retries = self._retries.pop((str(sender.lid), message_id), 0)
        message = messages[-1]
        message.ClearField("senderKeyDistributionMessage")
        self._show(phone, Item(group, sender.account, message_id, int(time.time()), message, retries))

    def _opened(self, phone: Account, sender: Device, group: Group | StatusUpdates, enc: Node) -> Any:
        if enc.text("type") == "skmsg":
            data = self._group_keys.decrypt(phone, group.jid, sender, enc)
        else:
            data = self._keys.decrypt(phone, sender, enc)
        message = protos.e2e.Message.FromString(data)
        if message.HasField("senderKeyDistributionMessage"):
            key = message.senderKeyDistributionMessage.axolotlSenderKeyDistributionMessage
            self._group_keys.learn(phone, group.jid, sender, key)
        return message

    def _take(self, phone: Account, sender: Device, message_id: str, message: Any, retries: int) -> None:
        chat: Account | None = sender.account
        if message.HasField("deviceSentMessage"):
            if sender.account is not phone:
                raise MalformedNode("a deviceSentMessage for another account")
            chat = self._accounts.find(Jid.parse(message.deviceSentMessage.destinationJID))
            message = message.deviceSentMessage.message
        if chat is None:
            raise MalformedNode("a deviceSentMessage names a chat that does not exist")
        self._show(phone, Item(chat, sender.account, message_id, int(time.time()), message, retries))

    def _show(self, phone: Account, item: Item) -> None:
        self._history.add(phone, item)
        if item.sender is not phone:
            self._history.mark(item.sender, [item.id], "delivered")
            receipt = Node("receipt", _from(phone, item.chat) | {"id": item.id, "t": str(item.timestamp)})
            self._delivery.post_all(item.sender, receipt)

    def _ask_again(self, phone: Account, sender: Device, stanza: Node, reason: str) -> None:
        """Ask the sending device to encrypt the message once more, for a session made of the enclosed keys."""
        message_id = stanza.text("id")
        count = self._retries.get((str(sender.lid), message_id), 0) + 1
        self._retries[str(sender.lid), message_id] = count
        log.info("%s cannot open %s of %s (try %d): %s", phone.phone, message_id, sender.lid, count, reason)
        if count > _MAX_RETRIES:
            return
        now = str(int(time.time()))
        bundle = self._keys.bundle(phone)
        to = stanza.jid("to")
        group = STATUS if to == STATUS.jid else self._groups.find(to)
        attrs = _from(phone, group or sender.account) | {"id": message_id, "type": "retry", "t": now}
        if sender.account is phone and group is None:
            attrs["recipient"] = stanza.jid("to").account
        children = [
            Node("retry", {"count": str(count), "id": message_id, "t": now, "v": "1"}),
            Node("registration", {}, bundle.registration.to_bytes(4, "big")),
            Node("keys", {}, bundle_nodes(bundle)),
        ]
        self._delivery.post(sender, Node("receipt", attrs, children))

    # Answering a retry receipt

    def retry(self, phone: Account, device: Device, message_id: str, count: int) -> bool:
        """Encrypt a message of the phone again for a device that could not open it; False: there is no such one."""
        if (found := self._history.sent(phone, message_id)) is None:
            return False
        chat, message = found
        item = Item(chat, phone, message_id, int(time.time()), message)
        self._delivery.post(device, self._stanza(item, device, retry=count))
        return True


def _from(phone: Account, chat: Chat) -> dict[str, Value]:
    """Who says something in a chat."""
    return {"from": chat.jid, "participant": phone.lid} if not isinstance(chat, Account) else {"from": phone.lid}


def _address(item: Item, device: Device) -> dict[str, Value]:
    sender, chat, outside = item.sender, item.chat, envelope(item.message)
    attrs = _from(sender, chat) | {"id": item.id, "type": outside.type, "t": str(item.timestamp)}
    attrs |= {"notify": sender.name} | ({"edit": outside.edit} if outside.edit else {})
    if not isinstance(chat, Account):
        return attrs | {"participant_pn": sender.pn, "addressing_mode": "lid"}
    if device.account is sender:
        return attrs | {"recipient": chat.lid, "peer_recipient_pn": chat.pn}
    return attrs | {"sender_pn": sender.pn}


def _about(outside: Envelope) -> dict[str, Value]:
    """The attributes of an <enc>."""
    attrs: dict[str, Value] = {"mediatype": outside.media_type} if outside.media_type else {}
    return attrs | ({"decrypt-fail": "hide"} if outside.is_quiet else {})


def _key_message(group: Group | StatusUpdates, distribution: bytes) -> Any:
    part = protos.e2e.SenderKeyDistributionMessage(groupID=group.key, axolotlSenderKeyDistributionMessage=distribution)
    return protos.e2e.Message(senderKeyDistributionMessage=part)


def bundle_nodes(bundle: Bundle) -> list[Node]:
    """A bundle as <keys> and <user> hold it; ids have 3 bytes."""
    nodes = [
        Node("type", {}, DJB),
        Node("identity", {}, bundle.identity),
        Node(
            "skey",
            {},
            [
                Node("id", {}, bundle.signed_id.to_bytes(3, "big")),
                Node("value", {}, bundle.signed_public),
                Node("signature", {}, bundle.signature),
            ],
        ),
    ]
    if bundle.one_time:
        number, public = bundle.one_time
        nodes.append(Node("key", {}, [Node("id", {}, number.to_bytes(3, "big")), Node("value", {}, public)]))
    return nodes
