"""Accounts and their linked devices. Device 0 of an account is its phone, which lives inside the sandbox."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warest.errors import Conflict, InvalidInput, NotFound
from warest.ids import LID_SERVER, PN_SERVER, Jid
from warest.sandbox.crypto import sha256
from warest.sandbox.signal import Bundle, Identity
from warest.sandbox.store import Store

if TYPE_CHECKING:
    from warest.sandbox.connection import Connection

#: Companion devices are numbered from 1; the number fits into a JID token's byte.
_MAX_DEVICE = 255


@dataclass(slots=True, eq=False)
class Device:
    """A linked session: what it told at pairing, and its connection while it is online."""

    account: "Account"
    id: int
    noise: bytes
    identity: bytes
    registration: int
    key_index: int
    platform: str
    signed_id: int
    signed_public: bytes
    signature: bytes
    greeted: bool = False
    connection: "Connection | None" = None

    @property
    def pn(self) -> Jid:
        return Jid(self.account.phone, PN_SERVER, self.id)

    @property
    def lid(self) -> Jid:
        return Jid(self.account.lid_user, LID_SERVER, self.id)

    @property
    def online(self) -> bool:
        return self.connection is not None


@dataclass(slots=True, eq=False)
class Account:
    phone: str
    lid_user: str
    name: str
    identity: Identity
    app_state_key: bytes
    last_prekey: int = 0
    last_key_index: int = 0
    #: The text that WhatsApp shows under the name.
    about: str = ""
    devices: dict[int, Device] = field(default_factory=dict)
    #: Numbers of devices that are just being linked.
    linking: set[int] = field(default_factory=set)

    @property
    def key(self) -> str:
        """What a chat with it is called in the control API and in the store."""
        return self.phone

    @property
    def pn(self) -> Jid:
        return Jid(self.phone, PN_SERVER)

    @property
    def lid(self) -> Jid:
        return Jid(self.lid_user, LID_SERVER)

    @property
    def app_state_key_id(self) -> bytes:
        return sha256(self.app_state_key)[:6]

    def free_device_id(self) -> int:
        """The next number that no device has. One is used again only when all have been, because others keep
        sessions with the device that had it."""
        taken: set[int] = set(self.devices) | self.linking
        for step in range(_MAX_DEVICE):
            number = (self.last_key_index + step) % _MAX_DEVICE + 1
            if number not in taken:
                return number
        raise Conflict(f"{self.phone} has {_MAX_DEVICE} linked devices: unlink some first.")


class Accounts:
    """The directory: finds accounts by phone number, LID and JID, devices by their Noise key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_phone: dict[str, Account] = {}
        self._by_lid: dict[str, Account] = {}
        self._by_noise: dict[bytes, Device] = {}
        for phone, lid, name, identity, *rest in store.read("select * from accounts"):
            self._add(Account(phone, lid, name, Identity.from_bytes(identity), *rest))
        for phone, number, *rest in store.read("select * from devices"):
            device = Device(self._by_phone[phone], number, *rest)
            device.account.devices[number] = device
            self._by_noise[device.noise] = device

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_phone.values())

    def _add(self, account: Account) -> None:
        self._by_phone[account.phone] = account
        self._by_lid[account.lid_user] = account

    def create(self, phone: str, name: str) -> Account:
        if not (phone.isascii() and phone.isdigit() and 6 <= len(phone) <= 15):
            raise InvalidInput("A phone number is 6 to 15 digits, with its country code and without a plus.")
        if phone in self._by_phone:
            raise Conflict(f"There is already a phone {phone}.")
        account = Account(phone, self._new_lid(), name, Identity.generate(), secrets.token_bytes(32))
        self._store.write(
            "insert into accounts (phone, lid, name, identity, app_state_key) values (?, ?, ?, ?, ?)",
            *(account.phone, account.lid_user, account.name, account.identity.to_bytes(), account.app_state_key),
        )
        self._add(account)
        return account

    def _new_lid(self) -> str:
        while (lid := str(secrets.randbelow(9 * 10**14) + 10**14)) in self._by_lid:
            pass
        return lid

    def rename(self, account: Account, name: str) -> None:
        if name != account.name:
            account.name = name
            self._store.write("update accounts set name = ? where phone = ?", name, account.phone)

    def tell_about(self, account: Account, text: str) -> None:
        account.about = text
        self._store.write("update accounts set about = ? where phone = ?", text, account.phone)

    def phone(self, phone: str) -> Account:
        if phone not in self._by_phone:
            raise NotFound(f"There is no phone {phone}; add it with POST /phones.")
        return self._by_phone[phone]

    def find(self, jid: Jid) -> Account | None:
        if jid.server == PN_SERVER:
            return self._by_phone.get(jid.user)
        return self._by_lid.get(jid.user) if jid.server == LID_SERVER else None

    def device(self, jid: Jid) -> Device | None:
        account = self.find(jid)
        return account.devices.get(jid.device) if account else None

    def device_of_noise_key(self, key: bytes) -> Device | None:
        return self._by_noise.get(key)

    def link(self, device: Device) -> None:
        device.account.devices[device.id] = device
        self._by_noise[device.noise] = device
        self._store.write(
            "insert into devices values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            *(device.account.phone, device.id, device.noise, device.identity, device.registration),
            *(device.key_index, device.platform, device.signed_id, device.signed_public, device.signature),
        )

    def unlink(self, device: Device) -> None:
        del device.account.devices[device.id]
        del self._by_noise[device.noise]
        where = (device.account.phone, device.id)
        self._store.write("delete from devices where phone = ? and id = ?", *where)
        for table in ("prekeys", "queue", "watchers"):
            self._store.write(f"delete from {table} where phone = ? and device = ?", *where)
        self._store.write("delete from sessions where address = ?", str(device.lid))
        self._store.write("delete from sender_keys where address = ?", str(device.lid))

    def next_key_index(self, account: Account) -> int:
        account.last_key_index += 1
        self._store.write(
            "update accounts set last_key_index = ? where phone = ?", account.last_key_index, account.phone
        )
        return account.last_key_index

    def greeted(self, device: Device) -> None:
        device.greeted = True
        self._store.write("update devices set greeted = 1 where phone = ? and id = ?", device.account.phone, device.id)


class Prekeys:
    """One-time prekeys of linked devices, and the bundles made of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self, device: Device) -> int:
        where = "select count(*) from prekeys where phone = ? and device = ?"
        return int(self._store.read(where, device.account.phone, device.id)[0][0])

    def upload(self, device: Device, signed: tuple[int, bytes, bytes], keys: list[tuple[int, bytes]]) -> None:
        device.signed_id, device.signed_public, device.signature = signed
        where = (device.account.phone, device.id)
        self._store.write(
            "update devices set signed_id = ?, signed_public = ?, signature = ? where phone = ? and id = ?",
            *signed,
            *where,
        )
        self._store.write_many("insert or replace into prekeys values (?, ?, ?, ?)", ((*where, *key) for key in keys))

    def bundle(self, device: Device) -> Bundle:
        """A bundle for one new session: its one-time prekey is given away with it."""
        where = (device.account.phone, device.id)
        one_time = None
        for number, public in self._store.read(
            "select id, public from prekeys where phone = ? and device = ? order by id limit 1", *where
        ):
            one_time = (number, public)
            self._store.write("delete from prekeys where phone = ? and device = ? and id = ?", *where, number)
        return Bundle(
            device.registration, device.identity, device.signed_id, device.signed_public, device.signature, one_time
        )
