"""What is kept beside a local file: a JSON document, in the original's words."""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from warest.drivers.storage.stored import Stored, Visibility, check_extra, guess_mime_type

log = logging.getLogger(__name__)

SUFFIX = ".meta.json"

#: SHA-256 of all the others, sorted; the original writes none.
_DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """`iv` and `tag` of a file that the original has encrypted. Our own format has all that it needs in itself."""

    stored: Stored
    is_encrypted: bool
    iv: bytes = b""
    tag: bytes = b""

    def to_json(self) -> bytes:
        """Files of our own only."""
        stored = self.stored
        told = {
            "key": stored.key,
            "driver": "local",
            "visibility": stored.visibility,
            "originalName": stored.original_name,
            "mimeType": stored.mime_type,
            "size": stored.size,
            "checksum": stored.checksum,
            "checksumAlgorithm": "sha256",
            "encrypted": self.is_encrypted,
            "encryption": {"algorithm": "aes-256-gcm", "format": "warseal-1"} if self.is_encrypted else None,
            "extra": json.loads(check_extra(stored.extra)),
            "uploadedAt": datetime.fromtimestamp(stored.uploaded_at, UTC).isoformat(timespec="milliseconds"),
        }
        return json.dumps(told | {_DIGEST: _digest(told)}, indent=2).encode()


def parse(text: bytes, key: str, visibility: Visibility) -> Sidecar | None:
    """The sidecar of a file that lies among the public or the private ones; None when it makes no sense."""
    try:
        return _parsed(json.loads(text), key, visibility)
    except (ValueError, TypeError, AttributeError):
        log.warning("the metadata of file %s cannot be read; it is served without", key)
        return None


def _digest(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _parsed(found: dict[str, Any], key: str, visibility: Visibility) -> Sidecar:
    if found.pop(_DIGEST, None) not in (None, _digest(found)):
        raise ValueError("damaged")
    name = str(found.get("originalName") or "")
    is_sha256 = str(found.get("checksumAlgorithm") or "").lower() in ("sha256", "sha-256")
    encryption = found.get("encryption") or {}
    stored = Stored(
        key=key,
        visibility=visibility,  # where it lies decides: nobody makes a private file public by its sidecar
        size=int(found.get("size") or 0),
        mime_type=str(found.get("mimeType") or guess_mime_type(name or key)),
        original_name=name,
        checksum=str(found.get("checksum") or "") if is_sha256 else "",
        extra=dict(found.get("extra") or {}),
        uploaded_at=datetime.fromisoformat(found["uploadedAt"]).timestamp() if found.get("uploadedAt") else 0.0,
    )
    iv, tag = bytes.fromhex(encryption.get("iv") or ""), bytes.fromhex(encryption.get("authTag") or "")
    if (iv or tag) and (len(iv), len(tag)) != (12, 16):
        raise ValueError("not an IV and a tag")
    return Sidecar(stored, bool(found.get("encrypted")), iv, tag)
