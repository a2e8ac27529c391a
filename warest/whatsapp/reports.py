"""What a session's process reports when the engine brings a message: an event, and what the database learns of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from warest import events, ids
from warest.whatsapp import inbound, notes, updates
from warest.whatsapp.inbound import MessageEv
from warest.whatsapp.payload import to_json


@dataclass(frozen=True, slots=True)
class Report:
    """`event` is its name; empty: nobody is told, since it is our own message or means nothing to people."""

    event: str
    event_id: str
    data: dict[str, Any]
    notes: tuple[dict[str, Any], ...]


def of(session_ulid: str, me: Iterable[str], message: MessageEv) -> Report | None:
    """`me` are the names of the session's account, PN first, as JIDs. None: nothing of a chat."""
    if not inbound.is_of_a_chat(message):
        return None
    content = inbound.unwrapped(message.Message)
    update = updates.of(content)
    id = inbound.event_id(session_ulid, message)
    mine = list(me)
    own = ids.Jid.parse(mine[0]) if mine else None
    report = _of_message(message, content, own, id) if update is None else _of_update(message, update, id, mine)
    is_ours = message.Info.MessageSource.IsFromMe
    return Report("", id, report.data, report.notes) if is_ours else report


def command(session_ulid: str, report: Report) -> Report:
    """message_command is emitted beside message_received when the text is a command; it has what the contract lists."""
    names = ("message", "text", "contentType", "quoted", "sender", "mentions", "type")
    data = {name: report.data[name] for name in names if name in report.data}
    key, at = data["message"]["key"], data["message"]["messageTimestamp"]
    id = ids.event_id_for(at * 1000, "command", session_ulid, key["remoteJid"], key["participant"], key["id"])
    return Report(events.MESSAGE_COMMAND, id, data, ())


def _of_message(message: MessageEv, content: Any, own: ids.Jid | None, id: str) -> Report:
    data = inbound.message_received(message)
    sender = data["sender"]
    is_for_us = own and not sender["fromMe"] and not sender["isGroup"]
    recipient = str(own) if is_for_us else sender["chatId"]
    told = _noted(data["message"], content, sender["authorJid"], recipient)
    return Report(events.MESSAGE_RECEIVED, id, data, tuple({**note, **_author(data), "live": True} for note in told))


def sent(session_ulid: str, own: ids.Jid, chat: ids.Jid, id: str, timestamp: int, content: Any) -> Report:
    """message_sent is emitted when WhatsApp has a message of ours (at this time, epoch s)."""
    key = {"remoteJid": str(chat), "fromMe": True, "id": id, "participant": str(own)}
    kind, _ = inbound.content_of(inbound.unwrapped(content))
    data = {
        "tags": "sent",
        "message": {"key": key, "messageTimestamp": timestamp, "message": to_json(content)},
        "contentType": kind,
        "status": "sent",
    }
    event_id = ids.event_id_for(timestamp * 1000, "sent", session_ulid, str(chat), id)
    return Report(events.MESSAGE_SENT, event_id, data, notes_of_sent(own, chat, id, timestamp, content))


def outcome(session_ulid: str, note: dict[str, Any], at: float) -> Report:
    """message_status is emitted when it is known what has become of a send: `note` is what its record learns."""
    answer = note.get("answer", [])
    data = {
        "tags": "status",
        "jobId": note["id"],
        "status": note["state"],
        "messages": [{"to": one["to"], "messageId": one.get("message_id"), "failed": "error" in one} for one in answer],
        "error": note.get("error", {}).get("message"),
    }
    event_id = ids.event_id_for(int(at * 1000), "status", session_ulid, note["id"], note["state"])
    return Report(events.MESSAGE_STATUS, event_id, data, (note,))


def notes_of_sent(own: ids.Jid, chat: ids.Jid, id: str, timestamp: int, content: Any) -> tuple[dict[str, Any], ...]:
    """What the database learns of a message that we have sent (at this time, epoch s)."""
    key = {"remoteJid": str(chat), "fromMe": True, "id": id, "participant": str(own)}
    inner = inbound.unwrapped(content)
    if update := updates.of(inner):
        target = update.target_key(str(chat), key, [str(own)])
        return (updates.note(update, target, by=str(own), at=timestamp, own=id),)
    raw = {"key": key, "messageTimestamp": timestamp, "message": to_json(content)}
    return tuple({**note, "status": "sent"} for note in _noted(raw, inner, str(own), str(chat)))


def _noted(raw: dict[str, Any], content: Any, sender: str, recipient: str) -> list[dict[str, Any]]:
    """One note, or none of a kind that is not stored."""
    if (seconds := updates.timer_of(content)) is not None:
        return [{"do": "chat", "news": {"jid": raw["key"]["remoteJid"], "ephemeral": seconds}}]
    kind, body = inbound.content_of(content)
    plain = body if isinstance(body, str) else to_json(body) if hasattr(body, "ListFields") else {}
    note = notes.message(raw, kind, plain, sender=sender, recipient=recipient)
    return [note] if note else []


def _author(data: dict[str, Any]) -> dict[str, Any]:
    """Both names of whoever wrote it, and what he calls himself."""
    sender = data["sender"]
    return {"pn": sender["pn"] or "", "lid": sender["lid"] or "", "notify": data["message"].get("pushName", "")}


def _of_update(message: MessageEv, update: updates.Update, id: str, me: Iterable[str]) -> Report:
    raw, sender = inbound.raw_of(message), inbound.sender_of(message)
    own_key, at = raw["key"], raw["messageTimestamp"]
    key = update.target_key(own_key["remoteJid"], own_key, me)
    note = updates.note(update, key, by=sender["authorJid"], at=at, own=own_key["id"])
    if update.kind == "vote":  # encrypted under one of the names of either side
        note["everybody"] = [name for name in (sender["pn"], sender["lid"], *me) if name]
    name, data = _event(message, update, key, raw, sender)
    return Report(name, id, data, (note,))


def _event(
    message: MessageEv, update: updates.Update, key: dict[str, Any], raw: dict[str, Any], sender: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    match update.kind:
        case "edit":
            _, body = inbound.content_of(inbound.unwrapped(update.content.editedMessage))
            mentions = inbound.mentions_of(body)
            return events.MESSAGE_EDITED, updates.message_edited(update, key, raw["messageTimestamp"], mentions)
        case "revoke":
            return events.MESSAGE_REVOKED, updates.message_revoked(key, raw["key"])
        case "reaction":
            return events.MESSAGE_REACTION, updates.message_reaction(update, key, raw["key"], sender)
        case _:  # a pin or a vote is a message like any other to receivers, as in the original
            return events.MESSAGE_RECEIVED, inbound.message_received(message)
