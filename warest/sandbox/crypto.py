"""The primitives that Noise, pairing, Signal and app state share: Curve25519 keys, XEdDSA, HKDF, AES-CBC."""

import hashlib
import hmac
from dataclasses import dataclass

import xeddsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

#: Curve25519 keys carry this type byte wherever Signal serialises one.
DJB = b"\x05"


@dataclass(frozen=True, slots=True)
class KeyPair:
    private: bytes
    public: bytes

    @staticmethod
    def generate() -> "KeyPair":
        key = X25519PrivateKey.generate()
        return KeyPair(
            key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()),
            key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        )

    @staticmethod
    def of(private: bytes) -> "KeyPair":
        key = X25519PrivateKey.from_private_bytes(private)
        return KeyPair(private, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def dh(self, public: bytes) -> bytes:
        key = X25519PrivateKey.from_private_bytes(self.private)
        return key.exchange(X25519PublicKey.from_public_bytes(public))

    def sign(self, message: bytes) -> bytes:
        """XEdDSA with the sign bit of the Edwards key forced to 0, so that a verifier reads 0 from the signature."""
        signature: bytes = xeddsa.ed25519_priv_sign(xeddsa.priv_force_sign(self.private, False), message)
        return signature


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is XEdDSA of `message` by a Curve25519 key; its top bit is the Edwards key's sign."""
    if len(public) != 32 or len(signature) != 64:
        return False
    sign, last = signature[63] & 0x80, signature[63] & 0x7F
    edwards = xeddsa.curve25519_pub_to_ed25519_pub(public, bool(sign))
    verified: bool = xeddsa.ed25519_verify(signature[:63] + bytes([last]), edwards, message)
    return verified


def hmac256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def sha256(data: bytes | bytearray) -> bytes:
    return hashlib.sha256(data).digest()


def hkdf(key: bytes, length: int, *, salt: bytes = bytes(32), info: bytes = b"") -> bytes:
    """HKDF-SHA256 (RFC 5869)."""
    pseudorandom = hmac.digest(salt, key, "sha256")
    output = block = b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def encrypt_cbc(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """AES-CBC with the padding of PKCS #7."""
    count = 16 - len(plaintext) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plaintext + bytes([count]) * count) + encryptor.finalize()


def decrypt_cbc(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    if not ciphertext or len(ciphertext) % 16:
        raise ValueError("the ciphertext is cut")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return padded[: -padded[-1]]


class CbcEncryptor:
    """The same for what comes in pieces."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._padder = PKCS7(128).padder()
        self._encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()

    def update(self, piece: bytes) -> bytes:
        return self._encryptor.update(self._padder.update(piece))

    def finalize(self) -> bytes:
        return self._encryptor.update(self._padder.finalize()) + self._encryptor.finalize()


class CbcDecryptor:
    """`finalize` raises ValueError when the ciphertext is cut, or its padding is none."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._unpadder = PKCS7(128).unpadder()
        self._decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()

    def update(self, piece: bytes) -> bytes:
        return self._unpadder.update(self._decryptor.update(piece))

    def finalize(self) -> bytes:
        return self._unpadder.update(self._decryptor.finalize()) + self._unpadder.finalize()
