"""Linking a session by code: the session shows eight characters, and the phone's owner types them.

session -> companion_hello       its ephemeral key, encrypted with the code; the answer is a reference
server  -> primary_hello         the phone's ephemeral key, encrypted with the code as it was typed, and its identity
session -> companion_finish      its identity and fresh randomness, under the secret that both ephemeral keys give
server  -> <pair-success>        from here on as with a QR

The server never learns the code. An ephemeral key that was encrypted with another code opens to another key, so
whether the code was right shows only when the phone cannot open what comes with companion_finish.
"""

import asyncio
import hashlib
import re
import secrets
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warest.errors import Conflict, InvalidInput, NotFound
from warest.sandbox.accounts import Account, Device
from warest.sandbox.connection import Connection
from warest.sandbox.crypto import KeyPair, hkdf
from warest.sandbox.nodes import SERVER, MalformedNode, Node
from warest.sandbox.pairing import Pairing, Registration

TAG = "link_code_companion_reg"

_CODE = re.compile(r"[1-9A-HJ-NP-TV-Z]{8}")
_DISPLAY = re.compile(r"[A-Za-z ]+ \([A-Za-z ]+\)")

_ITERATIONS = 1 << 17
_WRAPPED = 32 + 16 + 32
_FINISH_TIMEOUT = 20.0

_BUNDLE_INFO = b"link_code_pairing_key_bundle_encryption_key"


@dataclass(eq=False)
class _Offer:
    """A session that waits for its code to be typed."""

    connection: Connection
    registration: Registration
    reference: bytes
    wrapped_key: bytes
    #: What the session finishes with, while the phone waits for it.
    bundle: asyncio.Future[bytes] | None = None


class LinkCodes:
    """The sessions that show a code, by the phone number that they want to be linked to."""

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing
        self._offers: dict[str, _Offer] = {}

    def answer(self, connection: Connection, request: Node) -> list[Node]:
        """The children of the result of an <iq> with <link_code_companion_reg>."""
        stage = request.text("stage")
        if stage == "companion_hello":
            return [self._hello(connection, request)]
        if stage == "companion_finish":
            self._finish(connection, request)
            return []
        raise MalformedNode(f"the unknown stage {stage!r} of linking by code")

    def _hello(self, connection: Connection, request: Node) -> Node:
        registration = self._pairing.registration(connection)
        if request.child("companion_server_auth_key_pub").data != connection.client_static:
            raise MalformedNode("a link code for another session")
        display = request.child("companion_platform_display").data.decode(errors="replace")
        if not _DISPLAY.fullmatch(display):
            raise MalformedNode(f"the platform {display!r} is not written as `Browser (System)`")
        wrapped_key = request.child("link_code_pairing_wrapped_companion_ephemeral_pub").data
        if len(wrapped_key) != _WRAPPED:
            raise MalformedNode("the ephemeral key is not wrapped as salt, IV and key")
        reference = secrets.token_urlsafe(24).encode()
        self.withdraw(connection)
        self._offers[request.jid("jid").user] = _Offer(connection, registration, reference, wrapped_key)
        return Node(TAG, {}, [Node("link_code_pairing_ref", {}, reference)])

    def _finish(self, connection: Connection, request: Node) -> None:
        offer = self._offers.get(request.jid("jid").user)
        if offer is None or offer.connection is not connection or offer.bundle is None or offer.bundle.done():
            raise MalformedNode("nobody has typed this session's code")
        if request.child("link_code_pairing_ref").data != offer.reference:
            raise MalformedNode("the reference of another link code")
        if request.child("companion_identity_public").data != offer.registration.identity:
            raise MalformedNode("a link code for another identity")
        offer.bundle.set_result(request.child("link_code_pairing_wrapped_key_bundle").data)

    def withdraw(self, connection: Connection) -> None:
        for phone, offer in list(self._offers.items()):
            if offer.connection is connection:
                del self._offers[phone]
                if offer.bundle and not offer.bundle.done():
                    offer.bundle.set_exception(ConnectionResetError())

    async def enter(self, account: Account, typed: str) -> tuple[Device, Connection]:
        """The phone's owner types a code; a wrong one may be followed by the right one."""
        code = re.sub(r"[\s-]", "", typed).upper()
        if not _CODE.fullmatch(code):
            raise InvalidInput("A link code is eight characters, like ABCD-1234; it has no 0, I, O and U.")
        offer = self._offers.get(account.phone)
        if offer is None:
            raise NotFound(f"No session waits for a link code of {account.phone}: let one ask for a code first.")
        if offer.bundle:
            raise Conflict(f"A code of {account.phone} is being tried at this moment.")
        offer.bundle = asyncio.get_running_loop().create_future()
        try:
            secret = await self._agree(account, offer, offer.bundle, code)
        finally:
            offer.bundle = None
        self.withdraw(offer.connection)
        return await self._pairing.link(account, offer.connection, offer.registration, secret), offer.connection

    async def _agree(self, account: Account, offer: _Offer, bundle: asyncio.Future[bytes], code: str) -> bytes:
        """The secret that the right code gives to both."""
        ephemeral = KeyPair.generate()
        hello = await asyncio.to_thread(_wrap, code, ephemeral.public)
        companion = await asyncio.to_thread(_unwrap, code, offer.wrapped_key)
        offer.connection.send(_primary_hello(account, offer.reference, hello))
        try:
            sealed = await asyncio.wait_for(bundle, _FINISH_TIMEOUT)
        except TimeoutError:
            raise Conflict("The session did not answer to its link code in time.") from None
        except ConnectionError:
            raise Conflict("The session has gone while its link code was typed.") from None
        return _open_bundle(account, offer.registration.identity, ephemeral.dh(companion), sealed)


def _primary_hello(account: Account, reference: bytes, wrapped_key: bytes) -> Node:
    children = [
        Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped_key),
        Node("primary_identity_pub", {}, account.identity.key.public),
        Node("link_code_pairing_ref", {}, reference),
    ]
    return Node(
        "notification",
        {"from": SERVER, "type": TAG, "id": secrets.token_hex(8), "t": str(int(time.time()))},
        [Node(TAG, {"stage": "primary_hello"}, children)],
    )


def _open_bundle(account: Account, identity: bytes, shared: bytes, sealed: bytes) -> bytes:
    """What came with companion_finish: salt, nonce, and the keys of both with the session's randomness."""
    key = hkdf(shared, 32, salt=sealed[:32], info=_BUNDLE_INFO)
    try:
        bundle = AESGCM(key).decrypt(sealed[32:44], sealed[44:], None)
    except (InvalidTag, ValueError):
        raise InvalidInput("This is not the code that the session shows.") from None
    own = account.identity.key
    if len(bundle) != 96 or bundle[:64] != identity + own.public:
        raise Conflict("The session finished its link code with other keys than its own and the phone's.")
    return hkdf(shared + own.dh(identity) + bundle[64:], 32, info=b"adv_secret")


def _wrap(code: str, public: bytes) -> bytes:
    """Salt, IV, and the key encrypted with the code."""
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    return salt + iv + _cipher(code, salt, iv, public)


def _unwrap(code: str, wrapped: bytes) -> bytes:
    return _cipher(code, wrapped[:32], wrapped[32:48], wrapped[48:])


def _cipher(code: str, salt: bytes, iv: bytes, data: bytes) -> bytes:
    """AES-CTR, which is its own inverse. Deriving the key takes some 40 ms: not on the event loop."""
    key = hashlib.pbkdf2_hmac("sha256", code.encode(), salt, _ITERATIONS)
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)
