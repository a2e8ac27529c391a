"""/api/v1/messages/jobs and /api/v1/messages/{messageId}/status: what has become of a send.

Not in the original, whose sends were over when they were answered.
"""

from typing import Any, ClassVar

import falcon
from pydantic import Field

from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.sessions import SessionAccess
from warest.http.support import RECEIPTS
from warest.store import Account, Send, Store

#: States that are final, but for what receipts may add.
_DONE = {"sent": Code.JOB_COMPLETED, "delivered": Code.JOB_COMPLETED, "read": Code.JOB_COMPLETED}

_MESSAGES = {
    "queued": "The message waits to be sent",
    "sending": "The message is being sent",
    "sent": "The message was sent",
    "delivered": "The message was delivered",
    "read": "The message was read",
    "failed": "The message was not sent",
    "expired": "The message was not sent in time",
    "cancelled": "The message was cancelled",
    "unknown": "It is not known whether the message was sent",
}


class Job(Result):
    """`status`: queued, sending, sent, delivered, read, failed, expired, cancelled or unknown. Times in epoch seconds.
    `messages`: what each recipient got, or why not."""

    jobId: str
    status: str
    kind: str
    sendAt: float | None
    createdAt: float
    updatedAt: float
    messages: list[dict[str, Any]]
    error: str | None


class JobResource:
    """/api/v1/messages/jobs/{jobId}"""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation(
        "What has become of a send",
        family=Family.E2,
        result=Job,
        codes=(Code.JOB_RUNNING, Code.JOB_COMPLETED, Code.JOB_CANCELLED, Code.JOB_NOT_FOUND),
    )
    def on_get(self, request: falcon.Request, _: Parameters, jobId: str) -> Answer:
        send = self._store.sends.get(request.context.account, jobId)
        if send is None:
            raise Refusal(Code.JOB_NOT_FOUND, "Job not found")
        return _answer(send)

    @operation(
        "Cancel a send that waits for its time",
        family=Family.E2,
        result=Job,
        codes=(Code.JOB_CANCELLED, Code.JOB_NOT_FOUND, Code.INVALID_STATE),
    )
    def on_delete(self, request: falcon.Request, _: Parameters, jobId: str) -> Answer:
        account: Account = request.context.account
        if self._store.sends.get(account, jobId) is None:
            raise Refusal(Code.JOB_NOT_FOUND, "Job not found")
        if not self._store.sends.cancel(account, jobId):
            raise Refusal(Code.INVALID_STATE, "Only a send that waits for its sendAt can be cancelled")
        send = self._store.sends.get(account, jobId)
        assert send is not None
        return _answer(send)


class StatusAsked(Parameters):
    query_first: ClassVar[bool] = True

    session_id: Word = Field(None, alias="sessionId")
    phone: Word = None


class MessageStatus(Result):
    """`status`: sent, delivered, read or played; null for a message that was received."""

    sessionId: str
    chatId: str
    messageId: str
    fromMe: bool
    status: str | None
    timestamp: int
    updatedAt: float


class MessageStatusResource:
    """/api/v1/messages/{messageId}/status"""

    def __init__(self, access: SessionAccess, store: Store) -> None:
        self._access = access
        self._store = store

    @operation(
        "How far a message has come",
        family=Family.E2,
        parameters=StatusAsked,
        result=MessageStatus,
        codes=(Code.SESSION_NOT_FOUND, Code.MESSAGE_NOT_FOUND),
        limit=RECEIPTS,
    )
    def on_get(self, request: falcon.Request, parameters: StatusAsked, messageId: str) -> Answer:
        account: Account = request.context.account
        record = self._access.known(account, parameters.session_id, parameters.phone)
        found = self._store.messages.find(account, record.ulid, messageId)
        if not found:
            raise Refusal(Code.MESSAGE_NOT_FOUND, "Message not found")
        message = found[0]
        status = MessageStatus(
            sessionId=record.id,
            chatId=message.chat,
            messageId=message.id,
            fromMe=message.from_me,
            status=message.status or None,
            timestamp=message.ts,
            updatedAt=message.updated_at,
        )
        return Answer([status.model_dump()], "Message status")


def _answer(send: Send) -> Answer:
    code = Code.JOB_CANCELLED if send.state == "cancelled" else _DONE.get(send.state, Code.JOB_RUNNING)
    if send.state in ("failed", "expired", "unknown"):
        code = Code.SUCCESS  # the question was answered
    job = Job(
        jobId=send.id,
        status=send.state,
        kind=send.kind,
        sendAt=send.send_at,
        createdAt=send.created_at,
        updatedAt=send.updated_at,
        messages=send.answer.get("results", []),
        error=send.error.get("message"),
    )
    return Answer([job.model_dump()], _MESSAGES[send.state], code)
