"""What the phone tells a newly linked session of its chats, as notes for the database. Nobody else hears of it
(decision 25).

A chat of two goes by the other's number if the phone tells it, as everywhere else.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from warest import ids
from warest.errors import InvalidInput
from warest.whatsapp import inbound, notes
from warest.whatsapp.payload import text, to_json

Note = dict[str, Any]

_UNSEEN = ("@newsletter", "@broadcast")


def notes_of(history: Any, me: Iterable[str]) -> Iterator[Note]:
    """Of a waHistorySync.HistorySync. `me` are the names of the session's account, PN first."""
    mine = list(me)
    numbers = {_account(text(each.lidJID)): _account(text(each.pnJID)) for each in history.phoneNumberToLidMappings}
    for conversation in history.conversations:
        yield from _of_chat(conversation, numbers, mine)
    for named in history.pushnames:
        jid = _account(text(named.ID))
        if jid and text(named.pushname):
            yield _contact(numbers.get(jid, jid), jid, text(named.pushname))


def _of_chat(conversation: Any, numbers: dict[str, str], me: list[str]) -> Iterator[Note]:
    jid = _account(text(conversation.ID))
    if not jid or jid.endswith(_UNSEEN):
        return
    lid = jid if jid.endswith(f"@{ids.LID_SERVER}") else _account(text(conversation.lidJID))
    chat = _account(text(conversation.pnJID)) or numbers.get(jid, jid)
    for each in conversation.messages:
        if note := _of_message(each.message, chat, numbers, me):
            yield note
    yield {"do": "chat", "news": _chat(conversation, chat)}
    name = text(conversation.displayName) or text(conversation.name)
    if not chat.endswith(f"@{ids.GROUP_SERVER}") and (lid or name):
        pn = chat if chat.endswith(f"@{ids.PN_SERVER}") else ""
        yield {"do": "contact", "news": {"jid": lid or chat, "pn": pn, "lid": lid, "name": name}}


def _chat(conversation: Any, chat: str) -> dict[str, Any]:
    """The fields of store.ChatNews."""
    return {
        "jid": chat,
        "name": text(conversation.name) or text(conversation.displayName),
        "unread": conversation.unreadCount,
        "archived": conversation.archived,
        "pinned": conversation.pinned > 0,
        "muted_until": int(conversation.muteEndTime),
        "ephemeral": conversation.ephemeralExpiration,
    }


def _of_message(info: Any, chat: str, numbers: dict[str, str], me: list[str]) -> Note | None:
    kind, body = inbound.content_of(inbound.unwrapped(info.message))
    if not info.HasField("message") or not text(info.key.ID):
        return None
    plain = body if isinstance(body, str) else to_json(body) if hasattr(body, "ListFields") else {}
    own, is_group = (me or [chat])[0], chat.endswith(f"@{ids.GROUP_SERVER}")
    said = _account(text(info.key.participant) or text(info.participant))
    author = own if info.key.fromMe else numbers.get(said, said) if is_group and said else chat
    key = {"remoteJid": chat, "fromMe": info.key.fromMe, "id": text(info.key.ID), "participant": author}
    raw = {
        "key": key,
        "messageTimestamp": int(info.messageTimestamp),
        "pushName": text(info.pushName),
        "message": to_json(info.message),
    }
    recipient = chat if info.key.fromMe or is_group else own
    note = notes.message(raw, kind, plain, sender=author, recipient=recipient)
    return note and {**note, "status": "sent" if info.key.fromMe else "", "starred": info.starred}


def _contact(pn: str, jid: str, name: str) -> Note:
    number = pn if pn.endswith(f"@{ids.PN_SERVER}") else ""
    lid = jid if jid.endswith(f"@{ids.LID_SERVER}") else ""
    return {"do": "contact", "news": {"jid": lid or number or jid, "pn": number, "lid": lid, "notify": name}}


def _account(jid: str) -> str:
    """Without a device; nothing for what is no JID."""
    try:
        return str(ids.Jid.parse(jid).account)
    except InvalidInput:
        return ""
