"""Several files of one request: all forms in which callers name them, into the spool, each checked."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest.errors import FetchError, InvalidInput
from warest.http import many_files
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.file_sending import FileSending, FileToSend
from warest.http.loose import Loose
from warest.http.many_files import NamedFile
from warest.http.operation import Word
from warest.http.uploads import FileInput, came_with, handed_on, too_many
from warest.sources import SpooledFile

_SINGLE = ("file", "media", "document", "upload", "source")


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


#: What the command says of a file: what its sender told of it, the file, and whether it is the first. Raises Blocked.
Check = Callable[[NamedFile, SpooledFile, bool], dict[str, Any]]


class Batches:
    def __init__(self, files: FileSending, wanted: FileInput) -> None:
        self._files = files
        self._wanted = wanted

    def named(self, request: falcon.Request, given: FilesToSend) -> list[NamedFile]:
        """Those in the parameters. Raises Refusal when there are none at all, or too many."""
        named = many_files.named(given.files, given.urls, [getattr(given, name) for name in _SINGLE])
        count = len(named) + came_with(request)
        if not count:
            raise Refusal(Code.BAD_REQUEST, "No files or URLs provided")
        if count > self._wanted.most:
            raise too_many(self._wanted)
        return named

    def batch(self, request: falcon.Request, named: list[NamedFile], spooled: ExitStack, check: Check) -> Batch:
        """All files into the spool, from which `spooled` deletes them unless it is told not to."""
        batch = Batch()
        uploads = handed_on(request)
        for upload in uploads:
            spooled.callback(self._files.delete, upload.key)
        came = [self._files.spooled(upload) for upload in uploads]
        for about, ready in (*((NamedFile(""), file) for file in came), *((about, None) for about in named)):
            try:
                file = ready or self._from_parameter(about, spooled)
                batch.files.append(check(about, file, not batch.files))
                batch.hashes[file.key] = file.checksum
            except Blocked as reason:
                batch.blocked.append(reason.entry)
        return batch

    def _from_parameter(self, about: NamedFile, spooled: ExitStack) -> SpooledFile:
        """Raises Refusal for one that is too large: the call ends there."""
        problem = about.problem
        try:
            file = None if problem else self._files.named(about.content, self._wanted, about.name, about.mimetype)
        except (InvalidInput, FetchError) as error:
            file, problem = None, error.message
        if file is None:
            raise Blocked(about.name, about.mimetype, 0, problem or "neither a URL nor a data URI nor base64")
        spooled.callback(self._files.delete, file.key)
        return file


class Blocked(Exception):
    """A file that is not sent; the others are."""

    def __init__(self, name: str, mimetype: str, size: int, reason: str) -> None:
        self.entry = {"name": name, "mimetype": mimetype, "size": size, "reason": reason}
