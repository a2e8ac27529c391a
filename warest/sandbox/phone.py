"""The Signal side of phones: an account's main device holds its identity, its prekeys and its sessions."""

from warest.ids import Jid
from warest.sandbox.accounts import Account, Device, Prekeys
from warest.sandbox.crypto import KeyPair
from warest.sandbox.nodes import MalformedNode, Node
from warest.sandbox.signal import Bundle, FirstMessage, Record, Session, Undecryptable, pad, unpad
from warest.sandbox.store import Store


class PhoneKeys:
    """Encrypts and decrypts for every phone.

    Sessions are kept by the device's LID whatever the stanza says, because one device has one ratchet.
    """

    def __init__(self, store: Store, prekeys: Prekeys) -> None:
        self._store = store
        self._prekeys = prekeys
        self._records: dict[tuple[str, Jid], Record] = {}

    def bundle(self, account: Account) -> Bundle:
        """The phone's own bundle, with a fresh one-time prekey."""
        account.last_prekey += 1
        one_time = KeyPair.generate()
        self._store.write("update accounts set last_prekey = ? where phone = ?", account.last_prekey, account.phone)
        self._store.write(
            "insert into phone_prekeys values (?, ?, ?)", account.phone, account.last_prekey, one_time.private
        )
        return account.identity.bundle((account.last_prekey, one_time.public))

    def encrypt(self, account: Account, device: Device, plaintext: bytes, *, afresh: bool = False) -> Node:
        """An <enc> for the device; `afresh` starts a new session because the device lost the old one."""
        record = self._record(account, device)
        if afresh or record.current is None:
            record.promote(Session.start(account.identity, self._prekeys.bundle(device)))
        assert record.current
        kind, ciphertext = record.current.encrypt(account.identity, pad(plaintext))
        self._save(account, device, record)
        return Node("enc", {"v": "2", "type": kind}, ciphertext)

    def decrypt(self, account: Account, device: Device, enc: Node) -> bytes:
        """The plaintext of an <enc> from the device; raises Undecryptable."""
        kind = enc.text("type")
        record = self._record(account, device)
        if kind == "pkmsg":
            padded = self._decrypt_first(account, device, record, FirstMessage.parse(enc.data))
        elif kind == "msg":
            padded = record.decrypt(account.identity, enc.data)
        else:
            raise MalformedNode(f"<enc type={kind!r}> from one device to another")
        self._save(account, device, record)
        return unpad(padded)

    def _decrypt_first(self, account: Account, device: Device, record: Record, first: FirstMessage) -> bytes:
        if first.identity != device.identity:
            raise Undecryptable(f"the message is signed with another identity than {device.lid} has")
        if record.has(first.base_key):
            return record.decrypt(account.identity, first.body)
        one_time = self._one_time(account, first.one_time_id)
        session = Session.accept(account.identity, one_time, first.identity, first.base_key)
        after, padded = session.decrypt(account.identity, first.body)
        record.promote(after)
        self._store.write("delete from phone_prekeys where phone = ? and id = ?", account.phone, first.one_time_id)
        return padded

    def _one_time(self, account: Account, number: int | None) -> KeyPair | None:
        if number is None:
            return None
        for (private,) in self._store.read(
            "select private from phone_prekeys where phone = ? and id = ?", account.phone, number
        ):
            return KeyPair.of(private)
        raise Undecryptable(f"there is no prekey {number}")

    def _record(self, account: Account, device: Device) -> Record:
        key = (account.phone, device.lid)
        if key not in self._records:
            rows = self._store.read(
                "select record from sessions where phone = ? and address = ?", account.phone, str(device.lid)
            )
            self._records[key] = Record.from_bytes(rows[0][0]) if rows else Record()
        return self._records[key]

    def _save(self, account: Account, device: Device, record: Record) -> None:
        self._store.write(
            "insert or replace into sessions values (?, ?, ?)", account.phone, str(device.lid), record.to_bytes()
        )

    def forget(self, device: Device) -> None:
        """The device is gone, and with it the sessions of all phones with it."""
        for key in [key for key in self._records if key[1] == device.lid]:
            del self._records[key]
