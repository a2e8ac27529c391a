"""What a phone tells a session that has just been linked: the key of the app state, and its recent chats.

Without the key the session can set neither its name nor its presence. For the history Baileys waits 20 seconds
before it shows messages that came while it was away.
"""

import time
import zlib
from typing import Any

from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.crypto import sha256
from warest.sandbox.delivery import Delivery
from warest.sandbox.history import History, Item
from warest.sandbox.media import Files
from warest.sandbox.nodes import Node, Value
from warest.sandbox.phone import PhoneKeys
from warest.whatsapp import protos

_STATUS = {"sent": "SERVER_ACK", "delivered": "DELIVERY_ACK", "read": "READ", "played": "PLAYED"}


class Greeting:
    def __init__(self, accounts: Accounts, keys: PhoneKeys, delivery: Delivery, history: History, files: Files) -> None:
        self._accounts = accounts
        self._keys = keys
        self._delivery = delivery
        self._history = history
        self._files = files
        #: What is told, in this order.
        self._parts = {"key": self._key_share, "history": self._history_notice}

    def greet(self, device: Device) -> None:
        for part in self._parts:
            self._tell(device, part)
        self._accounts.greeted(device)

    def retry(self, device: Device, message_id: str, count: int) -> bool:
        """Tell a part again to a device that could not open it; False: there is no such message."""
        for part in self._parts:
            if message_id == _id(device, part):
                self._tell(device, part, retry=count)
                return True
        return False

    def _tell(self, device: Device, part: str, *, retry: int = 0) -> None:
        message = protos.e2e.Message(protocolMessage=self._parts[part](device))
        enc = self._keys.encrypt(device.account, device, message.SerializeToString(), afresh=retry > 0)
        if retry:
            enc.attrs["count"] = str(retry)
        attrs: dict[str, Value] = {"from": device.account.pn, "id": _id(device, part), "category": "peer"}
        attrs |= {"type": "text", "t": str(int(time.time()))}
        self._delivery.post(device, Node("message", attrs, [enc]))

    def _key_share(self, device: Device) -> Any:
        e2e, account = protos.e2e, device.account
        key = e2e.AppStateSyncKey(
            keyID=e2e.AppStateSyncKeyId(keyID=account.app_state_key_id),
            keyData=e2e.AppStateSyncKeyData(
                keyData=account.app_state_key,
                fingerprint=e2e.AppStateSyncKeyFingerprint(rawID=1, currentIndex=0, deviceIndexes=[0]),
                timestamp=int(time.time() * 1000),
            ),
        )
        return e2e.ProtocolMessage(
            type=e2e.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE,
            appStateSyncKeyShare=e2e.AppStateSyncKeyShare(keys=[key]),
        )

    def _history_notice(self, device: Device) -> Any:
        """Where the history lies; its bytes do not travel in the message."""
        chats = self._chats(device.account).SerializeToString()
        file = self._files.put("History", [zlib.compress(chats)], device)
        notice = protos.e2e.HistorySyncNotification(
            syncType="INITIAL_BOOTSTRAP",
            chunkOrder=1,
            progress=100,
            directPath=file.path,
            mediaKey=file.key,
            fileLength=file.size,
            fileSHA256=file.sha256,
            fileEncSHA256=file.encrypted_sha256,
        )
        return protos.e2e.ProtocolMessage(
            type=protos.e2e.ProtocolMessage.HISTORY_SYNC_NOTIFICATION, historySyncNotification=notice
        )

    def _chats(self, account: Account) -> Any:
        """A HistorySync: of each chat its latest messages, the newest first."""
        sync = protos.history.HistorySync(syncType="INITIAL_BOOTSTRAP", chunkOrder=1, progress=100)
        chats: dict[str, Any] = {}
        for seq, status, item in self._history.latest(account):
            if item.chat.key not in chats:
                chats[item.chat.key] = _new_chat(sync, item)
            message = chats[item.chat.key].messages.add(msgOrderID=seq).message
            message.key.remoteJID, message.key.ID = chats[item.chat.key].ID, item.id
            message.key.fromMe = item.sender is account
            if not isinstance(item.chat, Account) and item.sender is not account:
                message.key.participant = message.participant = str(item.sender.lid)
            message.message.CopyFrom(item.message)
            message.messageTimestamp = item.timestamp
            message.status = message.Status.Value(_STATUS[status])
        return sync


def _new_chat(sync: Any, latest: Item) -> Any:
    """A conversation, with what the session must know of the other account."""
    if not isinstance(latest.chat, Account):
        group = latest.chat
        return sync.conversations.add(ID=str(group.jid), name=group.name, conversationTimestamp=latest.timestamp)
    pn, lid, name = str(latest.chat.pn), str(latest.chat.lid), latest.chat.name
    sync.phoneNumberToLidMappings.add(pnJID=pn, lidJID=lid)
    sync.pushnames.add(ID=pn, pushname=name)
    return sync.conversations.add(ID=pn, pnJID=pn, lidJID=lid, name=name, conversationTimestamp=latest.timestamp)


def _id(device: Device, part: str) -> str:
    """Told from the device's key, so that a retry receipt for it is recognised after a restart."""
    return "3A" + sha256(b"greeting " + part.encode() + device.noise)[:9].hex().upper()
