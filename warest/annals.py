"""How notes (whatsapp/notes.py) change what the database holds of messages: pure functions over its records.

A stored message keeps under `raw` what the original kept (contract, data.md section 7): `key`, `message` and `meta`,
with reactions, edits, pins and votes.
"""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from warest import polls
from warest.store.history_records import ContactNews, Message
from warest.whatsapp.notes import body_of

Note = dict[str, Any]

#: What stands for the text of a message that was deleted for everybody.
DELETED = "This message was deleted"


def message(note: Note) -> Message:
    return Message(
        chat=note["chat"],
        id=note["id"],
        from_me=note["fromMe"],
        ts=note["ts"],
        sender=note["sender"],
        recipient=note["recipient"],
        type=note["type"],
        is_media=note["isMedia"],
        body=note["body"],
        raw=note["raw"],
        status=note.get("status", ""),
        starred=bool(note.get("starred")),
    )


def authors(notes: Iterable[Note]) -> Iterator[ContactNews]:
    """What the messages of others tell of whoever wrote them; the name is the one they give themselves."""
    for note in notes:
        if note["fromMe"] or not (jid := note.get("lid") or note.get("pn")):
            continue
        yield ContactNews(jid=jid, pn=note.get("pn", ""), lid=note.get("lid", ""), notify=note.get("notify", ""))


def updated(known: Message, note: Note) -> Message:
    """The message after an update; after the same one again, the same."""
    return _UPDATES[note["do"]](known, note)


def starred(known: Message, at: int | None) -> Message:
    """Since then, epoch s; None: it has no star."""
    meta = {name: value for name, value in _meta(known).items() if name != "starredAt"}
    return replace(known, starred=at is not None, raw=_raw(known, meta if at is None else {**meta, "starredAt": at}))


def _edited(known: Message, note: Note) -> Message:
    meta = _meta(known)
    events = meta.setdefault("editEvents", [])
    if any(event["id"] == note["own"] for event in events) or known.deleted:
        return known
    events.append({"id": note["own"], "at": note["at"], "by": note["by"]})
    meta.setdefault("messageBeforeEdit", known.raw.get("message", {}))
    content = note["message"]
    kind = next((name for name in content if name != "messageContextInfo"), "")
    return replace(known, edited=True, body=body_of(kind, content.get(kind)), raw=_raw(known, meta, message=content))


def _revoked(known: Message, note: Note) -> Message:
    """The row stays; what it said is kept apart, as in the original."""
    meta = _meta(known)
    if known.deleted:
        return known
    meta |= {"deletedAt": note["at"], "deletedBy": note["by"], "messageBeforeDelete": known.raw.get("message", {})}
    return replace(known, deleted=True, type="system", is_media=False, body=DELETED, raw=_raw(known, meta, message={}))


def _reacted(known: Message, note: Note) -> Message:
    """One for each person; the last one counts, and an empty one takes it back."""
    meta = _meta(known)
    others = [each for each in meta.get("reactions", []) if each["from"] != note["by"]]
    before = next((each for each in meta.get("reactions", []) if each["from"] == note["by"]), None)
    if before and before["timestamp"] > note["at"]:
        return known
    mine = [{"from": note["by"], "emoji": note["emoji"], "timestamp": note["at"]}] if note["emoji"] else []
    meta["reactions"] = others + mine
    return replace(known, raw=_raw(known, meta))


def _pinned(known: Message, note: Note) -> Message:
    meta = _meta(known) | {"pin": {"pinned": note["pinned"], "by": note["by"], "at": note["at"]}}
    return replace(known, raw=_raw(known, meta))


def _voted(known: Message, note: Note) -> Message:
    """Of each person the last vote."""
    meta = _meta(known)
    votes = [each for each in meta.get("votes", []) if each["by"] != note["by"]]
    before = next((each for each in meta.get("votes", []) if each["by"] == note["by"]), None)
    if before and before["at"] > note["at"]:
        return known
    vote = {"by": note["by"], "at": note["at"], "options": _chosen(known, note)}
    return replace(known, raw=_raw(known, meta | {"votes": [*votes, vote]}))


def _chosen(known: Message, note: Note) -> list[str]:
    """What the vote is for; nothing when it cannot be opened."""
    content = known.raw.get("message", {})
    poll: dict[str, Any] = next((part for name, part in content.items() if name.startswith("pollCreationMessage")), {})
    secret = content.get("messageContextInfo", {}).get("messageSecret", "")
    names = [option.get("optionName", "") for option in poll.get("options", [])]
    return (
        polls.chosen(
            names,
            secret=base64.b64decode(secret),
            poll=known.id,
            authors=[known.sender, *note["everybody"]],
            voters=[note["by"], *note["everybody"]],
            payload=base64.b64decode(note["payload"]),
            iv=base64.b64decode(note["iv"]),
        )
        or []
    )


_UPDATES = {"edit": _edited, "revoke": _revoked, "reaction": _reacted, "pin": _pinned, "vote": _voted}


def _meta(known: Message) -> dict[str, Any]:
    return dict(known.raw.get("meta", {}))


def _raw(known: Message, meta: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**known.raw, **changes, "meta": meta}
