"""/api/v1/misc/whatsapp: what is encrypted in messages, files and votes.

Facts: contract, endpoints.md section 11; quirk Q16 (votes are mapped to their options).
"""

import base64
import binascii
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import polls
from warest.encrypted_media import EncryptedFile
from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import Options
from warest.http.inputs import Content, Inputs
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.outputs import Meta, Outputs, mode_of
from warest.http.resources.whatsapp_tools import SESSION_CODES
from warest.http.session_choice import Choosing, SessionChoice
from warest.store import Account, Message, Store


class Sealed(Parameters):
    """`file`: what lies on WhatsApp's media host. `mimeType` says which kind of file it is."""

    media_key: Word = Field(None, validation_alias=AliasChoices("mediaKey", "media_key"))
    file: Content = Field(None, validation_alias=AliasChoices("file", "data", "encrypted", "blob"))
    mime_type: Word = Field(None, alias="mimeType")
    sha256: Word = Field(None, validation_alias=AliasChoices("fileSha256", "sha256"))
    output: Word = None


class Opened(Result):
    data: str
    meta: Meta


class Vote(Choosing):
    """`pollUpdateVote`: `vote` (`encPayload`, `encIv`) and `pollCreationMessageKey`, as events have it. `pollEncKey` is
    only needed of a poll that is not stored here."""

    vote: Options = Field({}, alias="pollUpdateVote")
    secret: Word = Field(None, alias="pollEncKey")
    poll: Word = Field(None, alias="pollMsgId")
    author: Word = Field(None, alias="pollCreatorJid")
    voter: Word = Field(None, alias="voterJid")


class OpenedVote(Result):
    """What is known of the poll is there too."""

    messageKey: dict[str, Any]
    pollCreatorJid: str
    voterJid: str
    votedOptionIndexes: list[int]
    votedOptionNames: list[str]
    pollTitle: str | None = None
    selectableOptionsCount: int | None = None
    pollOptions: list[str] | None = None
    timestampMs: int | str | None = None


class DecryptFile:
    """/api/v1/misc/whatsapp/file-decrypt"""

    def __init__(self, inputs: Inputs, outputs: Outputs) -> None:
        self._inputs = inputs
        self._outputs = outputs

    @operation(
        "Decrypt a file of WhatsApp's media host",
        family=Family.E1,
        parameters=Sealed,
        result=Opened,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.DOWNSTREAM_ERROR),
    )
    def on_post(self, request: falcon.Request, parameters: Sealed) -> Answer:
        for name, value in (("mediaKey", parameters.media_key), ("file", parameters.file)):
            if not value:
                raise Refusal(Code.MISSING_PARAMETER, f"{name} is required")
        mime_type = (parameters.mime_type or "application/octet-stream").lower()
        file = EncryptedFile(
            kind=_kind_of(mime_type), media_key=_key(parameters.media_key), sha256=_bytes(parameters.sha256 or "")
        )
        mode = mode_of(parameters.output, "base64")
        try:
            with self._inputs.opened(parameters.file, hint="base64") as sealed:
                data, meta = self._outputs.give(file.decrypted(sealed.pieces), mime_type, mode)
        except InvalidInput as error:
            message = "MAC verification failed" if error.details.get("fault") == "mac" else error.message
            raise Refusal(Code.INVALID_PARAMETER, message) from None
        return Answer([{"data": data, "meta": meta}], "File decrypted")


class OpenVote:
    """/api/v1/misc/whatsapp/poll-update-vote"""

    def __init__(self, choice: SessionChoice, store: Store) -> None:
        self._choice = choice
        self._store = store

    @operation("What a vote is for", family=Family.E1, parameters=Vote, result=OpenedVote, codes=SESSION_CODES)
    def on_post(self, request: falcon.Request, parameters: Vote) -> Answer:
        if not parameters.vote:
            raise Refusal(Code.MISSING_PARAMETER, "pollUpdateVote is required")
        record = self._choice.of(request, parameters, picks=False)
        account: Account = request.context.account
        key = parameters.vote.get("pollCreationMessageKey") or parameters.vote.get("pollMessageKey") or {}
        poll_id = parameters.poll or str(key.get("id", ""))
        stored = next(iter(self._store.messages.find(account, record.ulid, poll_id)), None)
        return Answer([self._opened(parameters, key, poll_id, stored)], "Poll vote decrypted")

    def _opened(self, given: Vote, key: dict[str, Any], poll_id: str, stored: Message | None) -> dict[str, Any]:
        question = polls.question_of(stored.raw.get("message", {}) if stored else {})
        vote = given.vote.get("vote") or {}
        author = given.author or (
            stored.sender if stored else str(key.get("participant") or key.get("remoteJid") or "")
        )
        voter = given.voter or str(given.vote.get("voterJid") or "")
        secret = _bytes(given.secret or "") or question.secret
        if not secret:
            raise Refusal(Code.MISSING_PARAMETER, "pollEncKey is required of a poll that is not stored here")
        names = polls.chosen(
            question.options,
            secret=secret,
            poll=poll_id,
            authors=[author],
            voters=[voter],
            payload=_bytes(str(vote.get("encPayload", ""))),
            iv=_bytes(str(vote.get("encIv", ""))),
        )
        if names is None:
            raise Refusal(Code.INVALID_PARAMETER, "The vote cannot be decrypted with this key, creator and voter")
        opened = OpenedVote(
            messageKey=key,
            pollCreatorJid=author,
            voterJid=voter,
            votedOptionIndexes=[question.options.index(name) for name in names],
            votedOptionNames=names,
            pollTitle=question.title or None,
            selectableOptionsCount=question.selectable if question.options else None,
            pollOptions=question.options or None,
            timestampMs=given.vote.get("senderTimestampMs") or None,
        )
        return opened.model_dump(exclude_none=True)


def _kind_of(mime_type: str) -> str:
    kinds = {"image": "imageMessage", "video": "videoMessage", "audio": "audioMessage"}
    return kinds.get(mime_type.partition("/")[0], "documentMessage")


def _key(text: str | None) -> bytes:
    key = _bytes(text or "")
    if len(key) != 32:
        raise Refusal(Code.INVALID_PARAMETER, "mediaKey is invalid")
    return key


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
