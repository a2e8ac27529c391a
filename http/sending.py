"""What all sends have in common: whose session, to whom, noted before it goes out, answered once it is known.

Every send has a record (store.sends) under the id of its command. It is written before anything is ordered, and whoever
knows what has become of it writes that down, so it can be asked for when nobody waits any more. Facts: contract,
endpoints.md 0.9; `Idempotency-Key`, `Prefer: respond-async` and `sendAt` are our own.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Any

import falcon
import orjson
from pydantic import BeforeValidator, Field

from warest import ids, keys, recalled
from warest.bus import Bus
from warest.commands import Outgoing, encode
from warest.config.settings import Settings
from warest.errors import CommandTimeout, InvalidInput, NeverBegun, WarestError
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.operation import Answer, Flag, Parameters, Result, Word
from warest.http.presences import USUAL, Presence
from warest.http.sessions import SessionAccess
from warest.http.times import moment
from warest.store import NewSend, Send, SessionRecord, Store

#: Longest Idempotency-Key, characters.
KEY_MAX = 191

#: A send can be put off so long, s.
FARTHEST = 366 * 86_400


def _tokens(value: object) -> list[str]:
    """Whatever stands for one or more recipients, in lists of lists if need be."""
    if isinstance(value, list | tuple):
        return [token for item in value for token in _tokens(item)]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON of other languages may write a number so
    return [str(value)] if isinstance(value, str | int) and not isinstance(value, bool) else []


#: What every send may be answered with, besides what its route says itself.
CODES = (
    Code.SESSION_NOT_FOUND, Code.MISSING_PARAMETER, Code.BAD_REQUEST, Code.SEND_FAILED, Code.QUEUED,
    Code.PARTIAL_SUCCESS, Code.INVALID_PARAMETER, Code.UNPROCESSABLE_ENTITY, Code.NOT_IMPLEMENTED,
)  # fmt: skip

#: Of a command without any.
NO_FILES: Mapping[str, str] = MappingProxyType({})

Tokens = Annotated[list[str] | str, BeforeValidator(_tokens)]
SendAt = Annotated[int | None, BeforeValidator(moment)]


class WhenToSend(Parameters):
    """`sendAt`: when to send it, as an ISO date or in epoch seconds or milliseconds; the answer is then a job."""

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None
    send_at: SendAt = Field(None, alias="sendAt")


class SendParameters(WhenToSend):
    """`to`: a number, a JID, several of them separated by commas, or a list. `sendAt`: when to send it, as an ISO date
    or in epoch seconds or milliseconds; the answer is then a job. `presence`: show first that somebody writes (true,
    typing), speaks (recording), or is there."""

    to: Tokens = ()  # type: ignore[assignment]
    reply_message_id: Word = Field(None, alias="replyMessageId")
    is_forwarded: Flag = Field(False, alias="isForwarded")
    presence: Presence = ""


class AdvancedInfo(Result):
    isForwarded: bool
    quotedMessageId: str | None


class SentEntry(Result):
    """`phone` is the sender's number. The recipient's number and hidden identity are both given where known."""

    phone: str | None
    to: str
    toJid: str
    toPn: str | None
    toLid: str | None
    contactId: str
    messageId: str | None
    status: str
    timestamp: int | None
    advancedInfo: AdvancedInfo


@dataclass(frozen=True)
class Shown:
    """How a send is answered: `label` in the message, `kind` in the status, `extras` in advancedInfo. `unfit` is the
    code, and the beginning of the message, for a file that is not what it has to be. `presence` is what is
    shown before, if the caller wants the usual one. `answer` makes the answer of what
    each recipient got, `refusal` the error when nobody got anything, where they are unlike those of other routes."""

    label: str
    kind: str
    extras: Mapping[str, Any] = field(default_factory=dict)
    unfit: tuple[Code, str] = (Code.BAD_REQUEST, "Invalid input")
    presence: str = "composing"
    answer: "Callable[[list[dict[str, Any]], Outgoing, Shown], Answer] | None" = None
    refusal: "Callable[[WarestError, Outgoing, Shown], WarestError] | None" = None


class Sending:
    def __init__(self, bus: Bus, access: SessionAccess, settings: Settings, store: Store) -> None:
        self._bus = bus
        self._access = access
        self._settings = settings
        self._store = store

    def session(self, request: falcon.Request, given: WhenToSend) -> SessionRecord:
        """One that is online; for a send that can wait, one that has an account is enough."""
        find = self._access.linked if _can_wait(request, given) else self._access.open
        return find(request.context.account, given.session_id, given.phone)

    def recipients(self, tokens: list[str] | str) -> tuple[str, ...]:
        return tuple(map(str, ids.recipients(tokens, self._settings.country_code)))

    def addressed(
        self,
        request: falcon.Request,
        given: SendParameters,
        missing: tuple[Code, str] = (Code.MISSING_PARAMETER, "Missing or invalid 'to'"),
    ) -> tuple[SessionRecord, tuple[str, ...]]:
        """Session and recipients, in the contract's order. `missing` is what is answered when there is no recipient."""
        record = self.session(request, given)
        if to := self.recipients(given.to):
            return record, to
        raise Refusal(*missing)

    def send(
        self,
        request: falcon.Request,
        given: WhenToSend,
        record: SessionRecord,
        command: Outgoing,
        shown: Shown,
        *,
        compression: dict[str, Any] | None = None,
        hashes: Mapping[str, str] = NO_FILES,
        discard: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Give the command, and tell what each recipient got.

        `hashes` are those of its files by key; `discard` drops the files of one that is not sent anew.
        """
        fingerprint = _fingerprint(command, compression, given.send_at, hashes)
        command = recalled.completed(self._store, request.context.account, record, command)
        if isinstance(given, SendParameters) and given.presence:
            command = replace(command, presence=shown.presence if given.presence == USUAL else given.presence)
        try:
            if given.send_at is None:
                self._bus.require_room(record.ulid)
            send, is_new = self._noted(request, given, record, command, compression, fingerprint)
        except WarestError:
            discard()
            raise
        if not is_new:
            discard()
            return self._known(send, command, shown)
        if given.send_at is not None:
            self._bus.send_later(keys.MAINTENANCE_QUEUE, "send_scheduled", given.send_at - time.time(), send=send.id)
            return _job(send, "scheduled")
        if _is_async(request):
            until = time.time() + self._settings.send_patience
            self._bus.give(record.ulid, send.id, command, compression=compression, until=until)
            return _job(send, "queued")
        self._bus.give(record.ulid, send.id, command, compression=compression)
        try:
            sent = self._bus.outcome_in_turn(record.ulid, send.id, self._settings.command_timeout)
        except WarestError as error:
            if isinstance(error, NeverBegun):
                self._store.sends.advance(send.id, "failed", error=error.to_dict())
            raise _refusal(error, command, shown) from None
        return _answer(sent, command, shown)

    def _noted(
        self,
        request: falcon.Request,
        given: WhenToSend,
        record: SessionRecord,
        command: Outgoing,
        compression: dict[str, Any] | None,
        fingerprint: str,
    ) -> tuple[Send, bool]:
        key = request.get_header("Idempotency-Key")
        if key is not None and not 0 < len(key) <= KEY_MAX:
            raise Refusal(Code.INVALID_PARAMETER, f"Idempotency-Key has to be 1 to {KEY_MAX} characters long")
        if given.send_at is not None and not time.time() < given.send_at < time.time() + FARTHEST:
            raise Refusal(Code.INVALID_PARAMETER, "sendAt has to be in the future, and within a year")
        new = NewSend(
            id=ids.new_command_id(),
            session=record.ulid,
            kind=type(command).__name__,
            recipient=command.to[0] if len(command.to) == 1 else "",
            fingerprint=fingerprint,
            idempotency_key=key,
            command={"command": encode(command), "compression": compression},
            send_at=given.send_at,
        )
        send, is_new = self._store.sends.begin(request.context.account, new)
        if not is_new and send.fingerprint != fingerprint:
            raise Refusal(Code.UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request")
        return send, is_new

    def _known(self, send: Send, command: Outgoing, shown: Shown) -> Answer:
        """The answer of the first request with this key, or how far it is."""
        if send.answer:
            return _answer(send.answer["results"], command, shown)
        if send.error and send.state == "failed":
            error = WarestError.from_dict(send.error)
            raise _refusal(error, command, shown)
        if send.state == "unknown":
            raise CommandTimeout("It is not known whether the message was sent.", job_id=send.id)
        return _job(send, send.state)


def _is_async(request: falcon.Request) -> bool:
    return "respond-async" in (request.get_header("Prefer") or "").lower()


def _can_wait(request: falcon.Request, given: WhenToSend) -> bool:
    return _is_async(request) or given.send_at is not None


def _fingerprint(
    command: Outgoing, compression: dict[str, Any] | None, send_at: int | None, hashes: Mapping[str, str]
) -> str:
    """Of what is asked for, however it is written; the key of a file in the spool is never the same."""
    told = orjson.dumps([encode(command), compression, send_at], option=orjson.OPT_SORT_KEYS)
    for key, content_hash in hashes.items():
        told = told.replace(key.encode(), content_hash.encode())
    return hashlib.sha256(told).hexdigest()


def _refusal(error: WarestError, command: Outgoing, shown: Shown) -> WarestError:
    if isinstance(error, InvalidInput) and error.details.get("step") == "prepare":
        code, beginning = shown.unfit
        return Refusal(code, f"{beginning}: {error.message}")
    return shown.refusal(error, command, shown) if shown.refusal else error


def _job(send: Send, status: str) -> Answer:
    return Answer([{"jobId": send.id, "status": status}], "Send accepted", Code.QUEUED)


def _answer(sent: list[dict[str, Any]], command: Outgoing, shown: Shown) -> Answer:
    """Who did not get it is in the results too, with the reason."""
    if shown.answer:
        return shown.answer(sent, command, shown)
    entries = [entry_of(one, command, shown) for one in sent]
    done = sum("error" not in one for one in sent)
    if done < len(sent):
        return Answer(entries, f"{shown.label} sent to {done} of {len(sent)} recipients", Code.PARTIAL_SUCCESS)
    return Answer(entries, f"{shown.label} sent{f' ({done} recipients)' if done > 1 else ''}")


def entry_of(sent: dict[str, Any], command: Outgoing, shown: Shown) -> dict[str, Any]:
    """What each recipient of a send got (contract, endpoints.md 0.9)."""
    extras = {name: value for name, value in shown.extras.items() if value not in (None, "", False, [], {})}
    if "error" in sent:
        extras = {"error": sent["error"]["message"]}
    return {
        "phone": sent.get("sender"),
        "to": ids.Jid.parse(sent["to"]).user,
        "toJid": sent["to"],
        "toPn": sent.get("to_pn"),
        "toLid": sent.get("to_lid"),
        "contactId": sent.get("to_lid") or sent["to"],
        "messageId": sent.get("message_id"),
        "status": f"{shown.kind} {'failed' if 'error' in sent else 'success'}",
        "timestamp": sent.get("timestamp"),
        "advancedInfo": {"isForwarded": command.forwarded, "quotedMessageId": command.reply_to, **extras},
    }


def message_id(value: str | None) -> str | None:
    """Form tools send the words for nothing."""
    return None if value in (None, "", "null", "undefined") else value
