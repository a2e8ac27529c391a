"""The files of incoming messages: what an event says before and after its file has come into storage.

Pure functions over the `data` of a message_received, which the session's process has made and others finish.
Facts: contract, webhooks.md 4.2.
"""

import base64
import binascii
import mimetypes
import re
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

from warest.encrypted_media import KINDS, EncryptedFile

#: Storage keys of what was mirrored begin with it; the session's ULID follows.
PREFIX = "incoming-media/"

#: Waits after the first failure and the next ones, s: nine hours in all.
SCHEDULE = (1, 3, 10, 60, 300, 1800, 7200, 21_600)

_ENDING = re.compile(r"[a-z0-9]{1,10}")

# What has become of a file: the `media.mirror.status` of events, and the state in the database.
PENDING, STORED, SKIPPED, EXPIRED, FAILED = "pending", "stored", "skipped", "expired", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """The file of a message: whose it is, and where and how WhatsApp keeps it."""

    chat: str
    message: str
    mime_type: str
    name: str
    direct_path: str
    url: str
    file: EncryptedFile

    def storage_key(self, session: str) -> str:
        """The same file of the same session is kept once, whoever sends it."""
        digest = self.file.sha256.hex() or self.file.encrypted_sha256.hex() or self.message
        return f"{PREFIX}{session}/{self.file.kind}/{digest}.{self._ending()}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        plain = asdict(self)
        plain["file"] = {name: _plain(value) for name, value in plain["file"].items()}
        return plain

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "RemoteFile":
        """What `to_dict` made."""
        held = plain["file"]
        hashes = {name: _bytes(held[name]) for name in ("media_key", "sha256", "encrypted_sha256")}
        return RemoteFile(**{**plain, "file": EncryptedFile(kind=held["kind"], size=held["size"], **hashes)})

    def _ending(self) -> str:
        of_name = self.name.rpartition(".")[2].lower() if "." in self.name else ""
        guessed = (mimetypes.guess_extension(self.mime_type) or "").removeprefix(".")
        return of_name if _ENDING.fullmatch(of_name) else guessed or "bin"


def file_of(data: dict[str, Any]) -> RemoteFile | None:
    """The file that a message brings. None: there is none, or the message does not say how it is encrypted."""
    media = data.get("media", {})
    if media.get("type") not in KINDS or not (key := _bytes(media.get("mediaKey"))):
        return None
    size = media.get("fileLength", {})
    return RemoteFile(
        chat=data["sender"]["chatId"],
        message=data["message"]["key"]["id"],
        mime_type=media.get("mimeType", "").lower(),
        name=media.get("fileName", ""),
        direct_path=media.get("directPath", ""),
        url=media.get("url", ""),
        file=EncryptedFile(
            kind=media["type"],
            media_key=key,
            sha256=_bytes(media.get("fileSha256")),
            encrypted_sha256=_bytes(_node(data).get("fileEncSha256")),
            size=((size["high"] & 0xFFFFFFFF) << 32 | size["low"] & 0xFFFFFFFF) if size else None,
        ),
    )


def with_stored(data: dict[str, Any], url: str, key: str, driver: str) -> dict[str, Any]:
    """The data as receivers have always seen it when the file is in storage: there is no way back to WhatsApp's host,
    in `media` and in the message itself."""
    told = with_outcome(data, STORED)
    places = {"url": url, "storageKey": key, "storageDriver": driver}
    told["media"] = _without_path(told["media"]) | places | {"mirror": told["media"]["mirror"]}
    node = _node(told)
    node.pop("directPath", None)
    node |= {"url": url, "urlDecrypt": url, "storageKey": key, "storageDriver": driver}
    return told


def with_outcome(data: dict[str, Any], status: str, reason: str = "") -> dict[str, Any]:
    """The data with a mark of what has become of the file."""
    told = deepcopy(data)
    told["media"]["mirror"] = {"status": status, **({"reason": reason} if reason else {})}
    return told


def news_of(data: dict[str, Any]) -> dict[str, Any]:
    """The data of message_media: message_media is emitted when the file of a message that was reported without it has
    come, or is known never to come."""
    return {
        "message": {"key": data["message"]["key"], "messageTimestamp": data["message"]["messageTimestamp"]},
        "contentType": data["contentType"],
        "sender": data["sender"],
        "media": data["media"],
    }


def _without_path(media: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in media.items() if name not in ("directPath", "mirror")}


def _node(data: dict[str, Any]) -> dict[str, Any]:
    """The message's own object for the file, inside whatever wraps it."""
    kind, content = data["contentType"], data["message"].get("message", {})
    while kind not in content:
        inner = [part["message"] for part in content.values() if isinstance(part, dict) and _is_wrapper(part)]
        if not inner:
            return {}
        content = inner[0]
    node: dict[str, Any] = content[kind]
    return node


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _is_wrapper(part: dict[str, Any]) -> bool:
    return isinstance(part.get("message"), dict)


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except binascii.Error:
        return b""
