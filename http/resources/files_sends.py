"""/api/v1/messages/send/files: several files in one call, each as a document.

Facts: contract, endpoints.md section 6; quirk Q11.
"""

import functools
import mimetypes
import operator
from contextlib import ExitStack
from typing import Any

import falcon

from warest import texts
from warest.commands import Outgoing, SendAlbum, SendFiles
from warest.errors import CommandTimeout, NotConnected, WarestError
from warest.http.batches import Batches, Blocked, FilesToSend
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import FileSending
from warest.http.many_files import NamedFile
from warest.http.operation import Answer, operation
from warest.http.sending import CODES, Sending, SentEntry, Shown, entry_of, message_id
from warest.http.uploads import FileInput
from warest.media import rules
from warest.sources import SpooledFile

_NOBODY = "Failed to send files to all recipients"


class SendFilesResource:
    """/api/v1/messages/send/files"""

    file_input = FileInput("File", (), Code.MEDIA_OVER_LIMIT, operator.attrgetter("file_limit_mb"), most=20)

    def __init__(self, sending: Sending, files: FileSending) -> None:
        self._sending = sending
        self._files = files
        self._batches = Batches(files, self.file_input)

    @operation("Send several files as they are", family=Family.E2, parameters=FilesToSend, result=SentEntry,
               codes=(*CODES, Code.MEDIA_OVER_LIMIT))  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: FilesToSend) -> Answer:
        named = self._batches.named(request, parameters)
        self._files.check_time(parameters)
        record, to = self._sending.addressed(request, parameters)
        with ExitStack() as spooled:
            batch = self._batches.batch(request, named, spooled, functools.partial(self._checked, parameters))
            command = SendFiles(
                to=to,
                files=tuple(batch.files),
                reply_to=message_id(parameters.reply_message_id),
                forwarded=parameters.is_forwarded,
            )
            shown = Shown("File", "file", {"blockedFiles": batch.blocked}, answer=answer, refusal=refusal)
            if not batch.files:
                raise refusal(WarestError("None of the files can be sent"), command, shown)
            discard = spooled.pop_all().close
            return self._sending.send(
                request, parameters, record, command, shown, hashes=batch.hashes, discard=discard
            )  # fmt: skip

    def _checked(self, given: FilesToSend, about: NamedFile, file: SpooledFile, is_first: bool) -> dict[str, Any]:
        name = file.name or f"file{mimetypes.guess_extension(file.mimetype) or ''}"
        mimetype = self._files.allowed_type(file.mimetype)
        reason = rules.refusal_of(name, file.mimetype, file.head)
        reason = reason or (None if file.size else "This file is empty")
        if reason or mimetype is None:
            self._files.delete(file.key)
            reason = reason or f"Files of the type {file.mimetype} are not sent"
            raise Blocked(name, file.mimetype, file.size, reason)
        caption = about.caption or (is_first and given.caption) or ""
        return {
            "file": file.key,
            "name": name,
            "mimetype": mimetype,
            "size": file.size,
            "caption": texts.as_whatsapp(caption),
            "reply_to": message_id(about.reply_to or given.reply_message_id),
        }


def answer(sent: list[dict[str, Any]], command: Outgoing, shown: Shown) -> Answer:
    """Recipients who lack a file stand apart, with what they got."""
    done = [_entry(one, command, shown) for one in sent if "error" not in one]
    failed = [_entry(one, command, shown) for one in sent if "error" in one]
    if failed:
        message = f"Files sent to {len(done)} of {len(sent)} recipients"
        return Answer(done, message, Code.PARTIAL_SUCCESS, {"failed": failed})
    return Answer(done, f"{_noun(command)} sent{f' ({len(done)} recipients)' if len(done) > 1 else ''}")


def _entry(sent: dict[str, Any], command: Outgoing, shown: Shown) -> dict[str, Any]:
    entry = entry_of(sent, command, shown)
    entry["status"] = f"{_noun(command).lower()} success" if "error" not in sent else f"{shown.kind} failed"
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
    if isinstance(command, SendAlbum):
        return "Album"
    return "Files" if isinstance(command, SendFiles) and len(command.files) > 1 else "File"


def refusal(error: WarestError, command: Outgoing, shown: Shown) -> WarestError:
    """Nobody got anything."""
    if isinstance(error, CommandTimeout | NotConnected):
        return error
    failed = error.details.get("results") or [{"to": to} for to in command.to]
    entries = [_entry({"error": error.to_dict(), **one}, command, shown) for one in failed]
    return Refusal(Code.SEND_FAILED, _NOBODY, entries)
