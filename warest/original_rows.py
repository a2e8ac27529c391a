"""What a row of the original's database says (contract, data.md sections 1 to 3 and 7), in our words: pure functions.

Its database is SQLite's, where a column holds whatever somebody has put there. A row that makes no sense is a BadRow.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import orjson

from warest import ids
from warest.errors import InvalidInput
from warest.store import ChatNews, ContactNews, Message, key_hash
from warest.whatsapp import notes

Row = Mapping[str, Any]

#: A number this large is of milliseconds.
_MILLISECONDS = 100_000_000_000

_HASH = re.compile(r"[0-9a-f]{64}")

#: The library's own word for what has become of a message that we sent.
_STATUSES = ("", "pending", "sent", "delivered", "read", "played")


#: What readers of ours rely on, of `raw` and of its `meta`.
_SHAPES: dict[str, type] = {"key": dict, "message": dict, "meta": dict}
_META_SHAPES: dict[str, type] = {
    "reactions": list, "editEvents": list, "votes": list, "pin": dict, "deletedAt": int, "starredAt": int,
    "messageBeforeEdit": dict, "messageBeforeDelete": dict,
}  # fmt: skip
_CONTEXTS = frozenset({"contextInfo", "messageContextInfo"})


class BadRow(Exception):
    """Why it cannot be taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`key_hash` is SHA-256 of the API key; `password` a hash that logins understand, or one that fits none."""

    registry: str
    username: str
    password: str = field(repr=False)
    key_hash: str = field(repr=False)
    is_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    name: str
    registry: str
    url: str
    secret: str = field(repr=False)


def user(row: Row) -> User:
    registry, username, key = _text(row, "registry"), _text(row, "username"), _text(row, "api_key")
    if not registry or not username:
        raise BadRow("no registry or no username")
    if len(registry) > 255 or len(username) > 255:
        raise BadRow("a registry or a username that is too long")
    password = _text(row, "password")
    return User(
        registry=registry,
        username=username,
        password=password if password.startswith("scrypt:") and len(password) <= 255 else "",
        key_hash=key if _HASH.fullmatch(key) else key_hash(key or secrets.token_hex(32)),
        is_admin=_flag(row, "is_admin"),
    )


def session(row: Row) -> Session:
    name = _text(row, "id")
    if not ids.SESSION_NAME.fullmatch(name):
        raise BadRow("an id that is none")
    return Session(
        name=name,
        registry=_text(row, "registry_user"),
        url=_text(row, "webhook_url")[:4096],
        secret=_text(row, "webhook_secret")[:255],
    )


def chat(row: Row) -> ChatNews:
    return ChatNews(
        jid=_jid(row, "jid"),
        name=_text(row, "name"),
        unread=max(0, _number(row, "unread_count")),
        last_message=_text(row, "last_message"),
        last_message_ts=_seconds(row, "last_message_ts"),
        ephemeral=max(0, _number(row, "ephemeral_expiry")),
    )


def contact(row: Row) -> ContactNews:
    jid = ids.Jid.parse(_jid(row, "jid"))
    if jid.is_group or _flag(row, "is_group"):
        raise BadRow("a group among the contacts")
    phone = ids.digits_of(_text(row, "phone"))
    pn = str(ids.Jid(phone, ids.PN_SERVER)) if jid.is_lid and phone and phone != jid.user else ""
    return ContactNews(
        jid=str(jid),
        pn=pn if jid.is_lid else str(jid),
        lid=str(jid) if jid.is_lid else "",
        name=_text(row, "name"),
        notify=_text(row, "notify"),
        verified_name=_text(row, "verified_name"),
        is_me=_flag(row, "is_me"),
        is_my_contact=_flag(row, "is_my_contact"),
    )


def message(row: Row) -> Message:
    id, ts = _text(row, "id"), _seconds(row, "timestamp_sec")
    if not id:
        raise BadRow("no id")
    raw, from_me, kind = _raw(row), _flag(row, "from_me"), _kind(row)
    meta = raw.get("meta", {})
    chat = _jid(row, "chat_jid")
    is_deleted = bool(meta.get("deletedAt") or meta.get("messageBeforeDelete"))
    return Message(
        chat=chat,
        id=id,
        from_me=from_me,
        ts=ts,
        sender=_address(_text(row, "sender_jid")),
        recipient=_address(_text(row, "to_jid")) or chat,
        type=kind,
        is_media=kind in notes.FILES and not is_deleted,
        body=_text(row, "body"),
        raw=raw,
        status=_status(raw) if from_me else "",
        starred=bool(raw.get("starred") or meta.get("starredAt")),
        deleted=is_deleted,
        edited=bool(meta.get("editEvents") or meta.get("messageBeforeEdit")),
    )


def _raw(row: Row) -> dict[str, Any]:
    """Of the shape that readers of ours rely on; what has another one is left out, the rest of the message stays."""
    try:
        raw = orjson.loads(_text(row, "raw") or "{}")
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(raw, dict):
        return {}
    fit: dict[str, Any] = {name: value for name, value in raw.items() if isinstance(value, _SHAPES.get(name, object))}
    if "meta" in fit:
        fit["meta"] = {
            name: [each for each in value if isinstance(each, dict)] if isinstance(value, list) else value
            for name, value in fit["meta"].items()
            if isinstance(value, _META_SHAPES.get(name, object))
        }
    if "message" in fit:
        fit["message"] = _plain(fit["message"])
    return fit


def _plain(value: Any) -> Any:
    """Bytes, which Node.js writes in two ways, as base64; and no context that is none."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    data = value.get("data") if value.get("type") == "Buffer" else list(value.values())
    if value.get("type") == "Buffer" and isinstance(data, str):
        return data
    if value and (value.get("type") == "Buffer" or all(name.isdigit() for name in value)) and _are_bytes(data):
        return base64.b64encode(bytes(data)).decode()
    return {name: _plain(each) for name, each in value.items() if name not in _CONTEXTS or isinstance(each, dict)}


def _are_bytes(data: Any) -> TypeGuard[list[int]]:
    return isinstance(data, list) and all(isinstance(each, int) and 0 <= each < 256 for each in data)


def _kind(row: Row) -> str:
    """The words are the same; a release of the original wrote the library's own."""
    told = _text(row, "message_type")
    return notes.type_of(told) or told.lower()


def _status(raw: dict[str, Any]) -> str:
    number = raw.get("status")
    return _STATUSES[number] if isinstance(number, int) and 0 < number < len(_STATUSES) else "sent"


def _jid(row: Row, name: str) -> str:
    if not (found := _address(_text(row, name))):
        raise BadRow(f"no {name} that is an address")
    return found


def _address(text: str) -> str:
    """The account, whichever of its devices is named; empty: it is none."""
    try:
        jid = ids.Jid.parse(text).account
    except InvalidInput:
        return ""
    return str(ids.Jid(jid.user, ids.PN_SERVER) if jid.server == "c.us" else jid)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else value.strip() if isinstance(value, str) and name != "body" else str(value)


def _flag(row: Row, name: str) -> bool:
    return str(row.get(name)).lower() in ("1", "true", "yes")


def _number(row: Row, name: str) -> int:
    value = row.get(name)
    try:
        return int(float(value)) if value not in (None, "") else 0
    except (TypeError, ValueError, OverflowError):
        raise BadRow(f"a {name} that is no number") from None


def _seconds(row: Row, name: str) -> int:
    number = _number(row, name)
    return number // 1000 if number > _MILLISECONDS else max(0, number)
