"""/api/v1/messages/send/album: pictures and videos that phones show together. Our own; the original has none."""

from contextlib import ExitStack
from typing import Any

import falcon
from pydantic import Field

from warest import texts
from warest.commands import SendAlbum
from warest.http.batches import Batches, Blocked, FilesToSend
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.file_sending import FileSending
from warest.http.many_files import NamedFile
from warest.http.operation import Answer, Flag, operation
from warest.http.resources.files_sends import answer, refusal
from warest.http.sending import CODES, Sending, SentEntry, Shown, message_id
from warest.http.uploads import FileInput
from warest.sources import SpooledFile

#: With fewer there is nothing to show together.
FEWEST = 2


class AlbumToSend(FilesToSend):
    """`files`: a list of URLs, data URIs, base64, or of objects that hold one in `url` or `data`, with `filename`,
    `mimetype` and `caption`. `caption` is that of the first. `compress` (true): make them smaller if that is worth
    it."""

    compress: Flag = Field(True)


class SendAlbumResource:
    """/api/v1/messages/send/album"""

    file_input = FileInput("Media", (), Code.MEDIA_OVER_LIMIT, most=20)

    def __init__(self, sending: Sending, files: FileSending) -> None:
        self._sending = sending
        self._files = files
        self._batches = Batches(files, self.file_input)

    @operation("Send pictures and videos that are shown together", family=Family.E2, parameters=AlbumToSend,
               result=SentEntry, codes=(*CODES, Code.DOWNSTREAM_ERROR, Code.MEDIA_OVER_LIMIT))  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: AlbumToSend) -> Answer:
        named = self._batches.named(request, parameters)
        self._files.check_time(parameters)
        record, to = self._sending.addressed(request, parameters)

        def checked(about: NamedFile, file: SpooledFile, is_first: bool) -> dict[str, Any]:
            return self._checked(about, file, (is_first and parameters.caption) or "")

        with ExitStack() as spooled:
            batch = self._batches.batch(request, named, spooled, checked)
            if batch.blocked:
                one = batch.blocked[0]
                raise Refusal(Code.BAD_REQUEST, f"Invalid media input: {one['name'] or 'a file'}: {one['reason']}")
            if len(batch.files) < FEWEST:
                raise Refusal(Code.BAD_REQUEST, f"An album takes at least {FEWEST} pictures or videos")
            command = SendAlbum(
                to=to,
                files=tuple(batch.files),
                reply_to=message_id(parameters.reply_message_id),
                forwarded=parameters.is_forwarded,
            )
            unfit = (Code.BAD_REQUEST, "Invalid media input")
            shown = Shown("Album", "album", {"blockedFiles": []}, unfit, answer=answer, refusal=refusal)
            discard, wishes = spooled.pop_all().close, {"enabled": parameters.compress}
            return self._sending.send(
                request, parameters, record, command, shown, compression=wishes, hashes=batch.hashes, discard=discard
            )

    def _checked(self, about: NamedFile, file: SpooledFile, caption: str) -> dict[str, Any]:
        kind = file.shown_as if file.size else None
        if kind is None:
            self._files.delete(file.key)
            reason = "neither a picture nor a video" if file.size else "This file is empty"
            raise Blocked(file.name, file.mimetype, file.size, reason)
        return {
            "kind": kind,
            "file": file.key,
            "name": file.name,
            "mimetype": file.mimetype,
            "size": file.size,
            "caption": texts.as_whatsapp(about.caption or caption),
        }
