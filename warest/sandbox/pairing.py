"""Linking a session: the server shows references, a phone scans the QR that is made of one, the session signs.

server  -> <iq><pair-device><ref/>...        the client shows a QR of ref, Noise key, identity key and a secret
phone      scans it and signs the device's identity with its own
server  -> <iq><pair-success>                the client adds its signature
client  -> <iq><pair-device-sign>
server  -> <stream:error code=515>           the client connects again, now with a number

Instead of the QR's secret the two may agree on one through a code that the phone's owner types: see linkcode.py.
"""

import asyncio
import base64
import binascii
import secrets
import time
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from warest.errors import Conflict, InvalidInput, NotFound
from warest.sandbox.accounts import Account, Accounts, Device
from warest.sandbox.connection import Connection
from warest.sandbox.crypto import hmac256, signed
from warest.sandbox.faults import Faults
from warest.sandbox.nodes import SERVER, MalformedNode, Node, Value
from warest.whatsapp import protos

#: Of six references the client shows the first for 60 seconds and each other one for 20; of fewer each for 20.
_REFERENCES = 6

_SIGN_TIMEOUT = 20.0

_ACCOUNT_SIGNATURE = b"\x06\x00"
_DEVICE_SIGNATURE = b"\x06\x01"


@dataclass(frozen=True)
class Qr:
    """What the QR of a session says."""

    reference: str
    noise: bytes
    identity: bytes
    secret: bytes

    @staticmethod
    def parse(text: str) -> "Qr":
        fields = text.rpartition("#")[2].split(",")
        try:
            keys = [base64.b64decode(field, validate=True) for field in fields[1:4]]
        except binascii.Error:
            keys = []
        if len(keys) != 3 or any(len(key) != 32 for key in keys):
            raise InvalidInput("This is not the text of a WhatsApp QR: reference, three keys in base64.")
        return Qr(fields[0], *keys)


@dataclass
class Registration:
    """What a client that is not linked yet told about itself."""

    identity: bytes
    registration: int
    platform: str
    signed_id: int
    signed_public: bytes
    signature: bytes

    @staticmethod
    def parse(data: Any) -> "Registration":
        """Of ClientPayload.devicePairingData."""
        try:
            props = protos.companion.DeviceProps.FromString(data.deviceProps)
        except DecodeError as error:
            raise MalformedNode("the registration holds no DeviceProps") from error
        told = Registration(
            data.eIdent,
            int.from_bytes(data.eRegid, "big"),
            props.os,
            int.from_bytes(data.eSkeyID, "big"),
            data.eSkeyVal,
            data.eSkeySig,
        )
        if not signed(told.identity, b"\x05" + told.signed_public, told.signature):
            raise MalformedNode("the signed prekey of the registration has a wrong signature")
        return told


class Pairing:
    """The references that are on offer, and the sessions that show them."""

    def __init__(self, accounts: Accounts, faults: Faults) -> None:
        self._accounts = accounts
        self._faults = faults
        self._offers: dict[str, Connection] = {}
        self._registrations: dict[Connection, Registration] = {}

    def offer(self, connection: Connection, payload: Any) -> None:
        self._registrations[connection] = Registration.parse(payload.devicePairingData)
        fault = self._faults.take("qr")
        count = fault.options["references"] if fault else _REFERENCES
        references = [secrets.token_urlsafe(24) for _ in range(count)]
        self._offers |= dict.fromkeys(references, connection)
        refs = [Node("ref", {}, reference.encode()) for reference in references]
        connection.send(_set("pair-device", refs))

    def withdraw(self, connection: Connection) -> None:
        self._registrations.pop(connection, None)
        self._offers = {ref: offerer for ref, offerer in self._offers.items() if offerer is not connection}

    async def scan(self, account: Account, text: str) -> tuple[Device, Connection]:
        """Link the session that shows this QR to the account."""
        qr = Qr.parse(text)
        connection = self._offers.get(qr.reference)
        if connection is None:
            raise NotFound("No session shows this QR any more: it was scanned, it ran out, or the session has gone.")
        registration = self._registrations[connection]
        if qr.noise != connection.client_static or qr.identity != registration.identity:
            raise InvalidInput("The keys of this QR are not those of the session that shows its reference.")
        return await self.link(account, connection, registration, qr.secret), connection

    def registration(self, connection: Connection) -> Registration:
        """Of a session that is not linked yet."""
        if connection not in self._registrations:
            raise MalformedNode("only a session that is being linked may send this")
        return self._registrations[connection]

    async def link(self, account: Account, connection: Connection, told: Registration, secret: bytes) -> Device:
        """Make the session a device of the account; `secret` is what only it and the phone share."""
        device = self._device(account, connection, told)
        self.withdraw(connection)
        account.linking.add(device.id)
        try:
            await self._have_signed(connection, device, secret)
        finally:
            account.linking.discard(device.id)
        self._accounts.link(device)
        return device

    def _device(self, account: Account, connection: Connection, told: Registration) -> Device:
        return Device(
            account,
            account.free_device_id(),
            connection.client_static,
            told.identity,
            told.registration,
            self._accounts.next_key_index(account),
            told.platform,
            told.signed_id,
            told.signed_public,
            told.signature,
        )

    async def _have_signed(self, connection: Connection, device: Device, secret: bytes) -> None:
        """Tell the session who it is now, and check that it agrees."""
        details: bytes = protos.adv.ADVDeviceIdentity(
            rawID=secrets.randbits(31), timestamp=int(time.time()), keyIndex=device.key_index
        ).SerializeToString()
        success = [
            Node("device-identity", {}, _box(device, details, secret)),
            Node("device", {"jid": device.pn, "lid": device.lid}),
            Node("platform", {"name": "android"}),
        ]
        try:
            reply = await asyncio.wait_for(connection.ask(_set("pair-success", success)), _SIGN_TIMEOUT)
        except TimeoutError:
            raise Conflict("The session did not sign its new identity in time.") from None
        except ConnectionError:
            raise Conflict("The session has gone while it was being linked.") from None
        if reply.attrs.get("type") != "result":
            raise Conflict(f"The session refused to be linked: {reply}")
        _check_signature(device, details, reply)


def _check_signature(device: Device, details: bytes, reply: Node) -> None:
    try:
        answer = reply.child("pair-device-sign", "device-identity")
        identity = protos.adv.ADVSignedDeviceIdentity.FromString(answer.data)
    except (MalformedNode, DecodeError) as error:
        raise Conflict(f"The session's answer to the pairing is malformed: {error}.") from error
    message = _DEVICE_SIGNATURE + details + device.identity + device.account.identity.key.public
    if identity.details != details or not signed(device.identity, message, identity.deviceSignature):
        raise Conflict("The session signed its new identity wrongly.")


def _box(device: Device, details: bytes, secret: bytes) -> bytes:
    """The device's identity, signed by the phone, under the secret that only session and phone know."""
    key = device.account.identity.key
    identity = protos.adv.ADVSignedDeviceIdentity(
        details=details,
        accountSignatureKey=key.public,
        accountSignature=key.sign(_ACCOUNT_SIGNATURE + details + device.identity),
    ).SerializeToString()
    box: bytes = protos.adv.ADVSignedDeviceIdentityHMAC(
        details=identity, HMAC=hmac256(secret, identity)
    ).SerializeToString()
    return box


def _set(tag: str, children: list[Node]) -> Node:
    attrs: dict[str, Value] = {"from": SERVER, "type": "set", "id": secrets.token_hex(8), "xmlns": "md"}
    return Node("iq", attrs | {"t": str(int(time.time()))}, [Node(tag, {}, children)])
