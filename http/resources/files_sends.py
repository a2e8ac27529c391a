"""/api/v1/messages/send/files: several files in one call, each as a document.

Facts: contract, endpoints.md section 6; quirk Q11.
"""

import mimetypes
import operator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import texts
from warest.commands import Outgoing, SendFiles
from warest.errors import CommandTimeout, FetchError, InvalidInput, NotConnected, WarestError
from warest.http import many_files
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import FileSending, FileToSend, SpooledFile
from warest.http.loose import Loose
from warest.http.many_files import NamedFile
from warest.http.operation import Answer, Word, operation
from warest.http.sending import CODES, Sending, SentEntry, Shown, entry_of, message_id
from warest.http.uploads import FileInput, came_with, handed_on, too_many
from warest.media import rules

_SINGLE = ("file", "media", "document", "upload", "source")

_NOBODY = "Failed to send files to all recipients"


@dataclass(frozen=True)
class Batch:
    """What the command says of each file, what their contents hash to by key, and what is not sent."""

    files: list[dict[str, Any]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    blocked: list[dict[str, Any]] = field(default_factory=list)


class FilesToSend(FileToSend):
    """`files`: a list of URLs, data URIs, base64, or of objects that hold one in `url` or `data`, with `filename`,
    `mimetype`, `caption` and `replyMessageId`. `urls`: a list, or with commas. `caption` is that of the first file."""

    reply_message_id: Word = Field(None, validation_alias=AliasChoices("quotedMessageId", "replyMessageId", "replyId"))
    files: Loose = None
    urls: Loose = Field(None, validation_alias=AliasChoices("urls", "url"))
    file: Loose = None
    media: Loose = None
    document: Loose = None
    upload: Loose = None
    source: Loose = None


class SendFilesResource:
    """/api/v1/messages/send/files"""

    file_input = FileInput("File", (), Code.MEDIA_OVER_LIMIT, operator.attrgetter("file_limit_mb"), most=20)

    def __init__(self, sending: Sending, files: FileSending) -> None:
        self._sending = sending
        self._files = files

    @operation("Send several files as they are", family=Family.E2, parameters=FilesToSend, result=SentEntry,
               codes=(*CODES, Code.MEDIA_OVER_LIMIT))  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: FilesToSend) -> Answer:
        named = self._named(request, parameters)
        self._files.check_time(parameters)
        record, to = self._sending.addressed(request, parameters)
        with ExitStack() as spooled:
            batch = self._batch(request, parameters, named, spooled)
            command = SendFiles(
                to=to,
                files=tuple(batch.files),
                reply_to=message_id(parameters.reply_message_id),
                forwarded=parameters.is_forwarded,
            )
            shown = Shown("File", "file", {"blockedFiles": batch.blocked}, answer=_answer, refusal=_refusal)
            if not batch.files:
                raise _refusal(WarestError("None of the files can be sent"), command, shown)
            discard = spooled.pop_all().close
            return self._sending.send(
                request, parameters, record, command, shown, hashes=batch.hashes, discard=discard
            )  # fmt: skip

    def _named(self, request: falcon.Request, given: FilesToSend) -> list[NamedFile]:
        """Those in the parameters. Raises Refusal when there are none at all, or too many."""
        named = many_files.named(given.files, given.urls, [getattr(given, name) for name in _SINGLE])
        count = len(named) + came_with(request)
        if not count:
            raise Refusal(Code.BAD_REQUEST, "No files or URLs provided")
        if count > self.file_input.most:
            raise too_many(self.file_input)
        return named

    def _batch(self, request: falcon.Request, given: FilesToSend, named: list[NamedFile], spooled: ExitStack) -> Batch:
        """All files into the spool, from which `spooled` deletes them unless it is told not to."""
        batch = Batch()
        uploads = handed_on(request)
        for upload in uploads:
            spooled.callback(self._files.delete, upload.key)
        came = [self._files.spooled(upload) for upload in uploads]
        for about, ready in (*((NamedFile(""), file) for file in came), *((about, None) for about in named)):
            try:
                file = ready or self._from_parameter(about, spooled)
                batch.files.append(self._checked(about, file, given, is_first=not batch.files))
                batch.hashes[file.key] = file.checksum
            except _Blocked as reason:
                batch.blocked.append(reason.entry)
        return batch

    def _from_parameter(self, about: NamedFile, spooled: ExitStack) -> SpooledFile:
        """Raises Refusal for one that is too large: the call ends there."""
        problem = about.problem
        try:
            file = None if problem else self._files.named(about.content, self.file_input, about.name, about.mimetype)
        except (InvalidInput, FetchError) as error:
            file, problem = None, error.message
        if file is None:
            raise _Blocked(about.name, about.mimetype, 0, problem or "neither a URL nor a data URI nor base64")
        spooled.callback(self._files.delete, file.key)
        return file

    def _checked(self, about: NamedFile, file: SpooledFile, given: FilesToSend, *, is_first: bool) -> dict[str, Any]:
        name = file.name or f"file{mimetypes.guess_extension(file.mimetype) or ''}"
        mimetype = self._files.allowed_type(file.mimetype)
        reason = rules.refusal_of(name, file.mimetype, file.head)
        reason = reason or (None if file.size else "This file is empty")
        if reason or mimetype is None:
            self._files.delete(file.key)
            reason = reason or f"Files of the type {file.mimetype} are not sent"
            raise _Blocked(name, file.mimetype, file.size, reason)
        caption = about.caption or (is_first and given.caption) or ""
        return {
            "file": file.key,
            "name": name,
            "mimetype": mimetype,
            "size": file.size,
            "caption": texts.as_whatsapp(caption),
            "reply_to": message_id(about.reply_to or given.reply_message_id),
        }


class _Blocked(Exception):
    """A file that is not sent; the others are."""

    def __init__(self, name: str, mimetype: str, size: int, reason: str) -> None:
        self.entry = {"name": name, "mimetype": mimetype, "size": size, "reason": reason}


def _answer(sent: list[dict[str, Any]], command: Outgoing, shown: Shown) -> Answer:
    """Recipients who lack a file stand apart, with what they got."""
    done = [_entry(one, command, shown) for one in sent if "error" not in one]
    failed = [_entry(one, command, shown) for one in sent if "error" in one]
    if failed:
        message = f"Files sent to {len(done)} of {len(sent)} recipients"
        return Answer(done, message, Code.PARTIAL_SUCCESS, {"failed": failed})
    return Answer(done, f"{_noun(command)} sent{f' ({len(done)} recipients)' if len(done) > 1 else ''}")


def _entry(sent: dict[str, Any], command: Outgoing, shown: Shown) -> dict[str, Any]:
    entry = entry_of(sent, command, shown)
    entry["status"] = f"{_noun(command).lower()} success" if "error" not in sent else "file failed"
    entry["advancedInfo"].pop("blockedFiles", None)  # which come last
    entry["advancedInfo"] |= {
        **({"files": [_told(file) for file in sent["files"]]} if sent.get("files") else {}),
        **({"blockedFiles": shown.extras["blockedFiles"]} if shown.extras["blockedFiles"] else {}),
    }
    return entry


def _told(file: dict[str, Any]) -> dict[str, Any]:
    told = {name: file.get(name) for name in ("name", "mimetype", "size")} | {"messageId": file.get("message_id")}
    if file.get("reply_to"):
        told["quotedMessageId"] = file["reply_to"]
    return told | ({"error": file["error"]["message"]} if "error" in file else {"timestamp": file["timestamp"]})


def _noun(command: Outgoing) -> str:
    return "Files" if isinstance(command, SendFiles) and len(command.files) > 1 else "File"


def _refusal(error: WarestError, command: Outgoing, shown: Shown) -> WarestError:
    """Nobody got anything."""
    if isinstance(error, CommandTimeout | NotConnected):
        return error
    failed = error.details.get("results") or [{"to": to} for to in command.to]
    entries = [_entry({"error": error.to_dict(), **one}, command, shown) for one in failed]
    return Refusal(Code.SEND_FAILED, _NOBODY, entries)
