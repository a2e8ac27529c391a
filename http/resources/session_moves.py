"""/api/v1/session: a session in a file, from one installation to another, without a new scan."""

import base64
import binascii
import io
import operator
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO

import falcon
from pydantic import Field

from warest import file_headers, ids
from warest.config.vault_settings import SHORTEST_PASSPHRASE
from warest.errors import CommandTimeout, InvalidInput, WarestError
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Bytes, Content, Flag, Parameters, Result, Word, operation
from warest.http.resources.sessions import Sessions
from warest.http.sessions import own, valid_name
from warest.http.uploads import FileInput, handed_on
from warest.moving import Moving, read, write
from warest.spool import ON_ITS_WAY, Spool
from warest.store import Account, SessionRecord

#: How long a call waits for the keys, s: a session may have to be stopped first.
PATIENCE = 25.0

#: Linked no more: its keys open nothing.
_UNLINKED = frozenset({"logged_out", "main_device_gone"})

#: Bytes of a file that are sent at once.
_PIECE = 65536


class Export(Parameters):
    """`passphrase` (12 characters at least) encrypts the file. `stop`: stop the session, if it runs."""

    json_only = True

    passphrase: Word = Field(None, max_length=1000)
    stop: Flag = False


class Import(Parameters):
    """`file`: in a form, or as base64 in JSON. `sessionId`: under another name than it had."""

    body_only = True

    passphrase: Word = Field(None, max_length=1000)
    session_id: Word = Field(None, alias="sessionId")
    file: Word = None


class Imported(Result):
    """`me`: the account. `endpoints`: how many webhook endpoints came with it."""

    registryUser: str
    sessionId: str
    me: dict[str, Any]
    endpoints: int


class ExportSession:
    """/api/v1/session/{sessionId}/export"""

    def __init__(self, sessions: Sessions, spool: Spool) -> None:
        self._sessions = sessions
        self._spool = spool

    @operation(
        "A session as an encrypted file; it is stopped for that",
        family=Family.E1,
        parameters=Export,
        result=Content,
        codes=(
            Code.BAD_REQUEST,
            Code.SESSION_REQUIRED,
            Code.SESSION_NOT_FOUND,
            Code.FORBIDDEN,
            Code.INVALID_STATE,
            Code.SESSION_NOT_LOGGED_IN,
            Code.QUEUED,
            Code.NOT_IMPLEMENTED,
        ),
    )
    def on_post(self, request: falcon.Request, parameters: Export, sessionId: str) -> Bytes:
        passphrase = _passphrase(parameters.passphrase)
        record = self._sessions.access.named(request.context.account, sessionId)
        moving = self._moving(record, stop=parameters.stop)
        key = self._sessions.bus.order_host(record.ulid, "pack_session", PATIENCE, stop=parameters.stop)
        with self._keys(record, key) as keys:
            made = tempfile.TemporaryFile()  # noqa: SIM115  closed when it has been sent
            write(made, passphrase, moving, keys)
        size = made.tell()
        made.seek(0)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": file_headers.disposition("", f"{record.id}.warest", download=True),
            "Content-Length": str(size),
            "Cache-Control": "no-store",
            "X-WAREST-Advice": "The session is stopped here. Import it elsewhere, and do not start it here again: "
            "two with the same keys throw each other out.",
        }
        return Bytes(200, headers, _Sent(made))

    def _moving(self, record: SessionRecord, *, stop: bool) -> Moving:
        """What goes with the keys. Raises Refusal when there is nothing to export, or it runs."""
        state = self._sessions.states.get(record.ulid)
        if state.me is None or state.state in _UNLINKED:
            raise Refusal(Code.SESSION_NOT_LOGGED_IN, "The session is not linked: there is nothing to export")
        if not stop and (record.auto_start or not state.known.ends):
            raise Refusal(
                Code.INVALID_STATE,
                'The session runs. Give "stop": true to have it stopped: two with the same keys throw each other out',
            )
        endpoints = self._sessions.store.endpoints.of_session(record.ulid)
        mine = tuple(each for each in endpoints if each.session == record.ulid)
        if locked := [each.id for each in mine if not each.secrets]:
            raise Refusal(Code.INVALID_STATE, f"The secrets of endpoint {locked[0]} cannot be read: rotate them first")
        return Moving(
            name=record.id,
            me=state.me,
            reject_calls=record.reject_calls,
            call_reply=record.call_reply,
            endpoints=mine,
        )

    @contextmanager
    def _keys(self, record: SessionRecord, key: str) -> Iterator[Iterator[bytes]]:
        try:
            with tempfile.TemporaryFile() as packed:
                with self._spool.open(key) as opened:
                    packed.writelines(opened)
                yield self._sessions.store.vault.open_file(packed, ids.name_of_keys(record.ulid))
        finally:
            self._spool.delete(key)


class ImportSession:
    """/api/v1/session/import"""

    file_input = FileInput(
        "Session file", ("file",), Code.PAYLOAD_TOO_LARGE, limit_mb=operator.attrgetter("session_file_limit_mb")
    )

    def __init__(self, sessions: Sessions, spool: Spool) -> None:
        self._sessions = sessions
        self._spool = spool

    @operation(
        "A session from an exported file; it starts without a new scan",
        family=Family.E1,
        parameters=Import,
        result=Imported,
        codes=(
            Code.BAD_REQUEST,
            Code.SESSION_REQUIRED,
            Code.FORBIDDEN,
            Code.SESSION_ALREADY_EXISTS,
            Code.PAYLOAD_TOO_LARGE,
            Code.QUEUED,
            Code.NOT_IMPLEMENTED,
        ),
    )
    def on_post(self, request: falcon.Request, parameters: Import) -> Answer:
        account: Account = request.context.account
        passphrase = _passphrase(parameters.passphrase)
        with self._file(request, parameters) as file:
            moving, keys = read(file, passphrase)
            name = valid_name(parameters.session_id or moving.name)
            self._refuse_known(account, name, moving)
            record = self._sessions.store.create_session(account, name, auto_start=False)
            self._bring(record, keys)
        self._settle(account, record, moving)
        self._sessions.start(record)
        told = Imported(
            registryUser=account.registry, sessionId=record.id, me=moving.me, endpoints=len(moving.endpoints)
        )
        return Answer([told.model_dump()], "Session imported")

    @contextmanager
    def _file(self, request: falcon.Request, parameters: Import) -> Iterator[BinaryIO]:
        uploads = handed_on(request)
        try:
            if uploads:
                with tempfile.TemporaryFile() as copy, self._spool.open(uploads[0].key) as opened:
                    copy.writelines(opened)
                    copy.seek(0)
                    yield copy
            else:
                with tempfile.TemporaryFile() as copy:
                    shutil.copyfileobj(io.BytesIO(_decoded(parameters.file)), copy)
                    copy.seek(0)
                    yield copy
        finally:
            for upload in uploads:
                self._spool.delete(upload.key)

    def _refuse_known(self, account: Account, name: str, moving: Moving) -> None:
        """A name that is taken, and a device that is here: two with the same keys throw each other out."""
        if known := self._sessions.store.session(name):
            own(known, account)
            raise Refusal(Code.SESSION_ALREADY_EXISTS, f"There is a session {name}: give another sessionId")
        records = self._sessions.store.all_sessions()
        states = self._sessions.states.get_many(record.ulid for record in records)
        for record, state in zip(records, states, strict=True):
            if state.me and state.me.get("id") == moving.me.get("id") and state.state not in _UNLINKED:
                is_mine = record.owner.registry == account.registry and account.may(record.ulid)
                mine = f" as {record.id}: delete it, or start it" if is_mine else ""
                raise Refusal(Code.SESSION_ALREADY_EXISTS, f"The device of this file is here already{mine}")

    def _bring(self, record: SessionRecord, keys: Iterator[bytes]) -> None:
        """Its keys to whoever will run it. When that fails the session is gone again, unless nobody knows whether it
        has: then it stays, stopped, for its owner to look at."""
        try:
            file = self._spooled(record, keys)
            self._sessions.bus.order_host(record.ulid, "unpack_session", PATIENCE, file=file)
        except CommandTimeout:
            raise
        except WarestError:
            self._sessions.store.delete_session(record.owner, record.ulid)
            raise
        self._spool.delete(file)

    def _spooled(self, record: SessionRecord, keys: Iterator[bytes]) -> str:
        with tempfile.TemporaryFile() as packed:
            self._sessions.store.vault.seal_file(keys, packed, ids.name_of_keys(record.ulid))
            packed.seek(0)
            return self._spool.put(iter(lambda: packed.read(_PIECE), b""), seconds=ON_ITS_WAY)

    def _settle(self, account: Account, record: SessionRecord, moving: Moving) -> None:
        store = self._sessions.store
        store.configure_calls(account, record.ulid, reject=moving.reject_calls, reply=moving.call_reply)
        store.endpoints.restore(account, record.ulid, moving.endpoints)
        self._sessions.directory.changed()
        self._sessions.states.put(record.ulid, state="stopped", me=moving.me)


class _Sent:
    """A file that goes when it has been sent."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_PIECE), b"")

    def close(self) -> None:
        self._file.close()


def routes(sessions: Sessions, spool: Spool) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/session/{sessionId}/export", ExportSession(sessions, spool)
    yield "/api/v1/session/import", ImportSession(sessions, spool)


def _passphrase(given: str | None) -> str:
    if len(given or "") < SHORTEST_PASSPHRASE:
        raise InvalidInput(f"passphrase is required, in the body, with {SHORTEST_PASSPHRASE} characters or more")
    return given or ""


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error:
        raise InvalidInput("file is neither a file of a form nor base64") from None
