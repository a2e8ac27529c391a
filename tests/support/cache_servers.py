"""Servers of caches, on loopback: Redis as everywhere, memcached if it is installed, MongoDB if one is running.

No distribution's packages have MongoDB any more. Without a server its driver speaks, by the real library, to a small
part of one in this process: the handshake, and the four commands of the wire protocol that the driver uses.
Source: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

import os
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from support.waiting import eventually

MONGODB = os.environ.get("WAREST_TEST_MONGODB_URL", "mongodb://127.0.0.1:27017")

_OP_MSG, _OP_REPLY, _OP_QUERY = 2013, 1, 2004


@contextmanager
def memcached(address: str = "") -> Iterator[str]:
    """HOST:PORT of one of our own, at this address if one is given."""
    program = shutil.which("memcached")
    if program is None:
        pytest.skip("memcached is not installed (`apt-get install memcached`): its driver is NOT tested")
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2] or 0))) as free:
        port = free.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", *user])
    try:
        eventually(lambda: _answers("127.0.0.1", port))
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def has_mongodb() -> bool:
    host, _, port = MONGODB.rpartition("/")[2].partition(":")
    return _answers(host, int(port or 27017))


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 0.5).close()
    except OSError:
        return False
    return True


@contextmanager
def part_of_mongodb() -> Iterator[str]:
    """The URL of a server that knows what the driver uses, and how many documents it holds."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Connection)
    server.daemon_threads = True
    server.documents = {}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"mongodb://127.0.0.1:{server.server_address[1]}/?directConnection=true"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.read(16):
            length, id, _, kind = struct.unpack("<iiii", head)
            body = self.rfile.read(length - 16)
            if kind == _OP_QUERY:  # the first hello
                reply = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(self._answer({"hello": 1}))
                self._write(id, _OP_REPLY, reply)
            elif kind == _OP_MSG:
                self._write(id, _OP_MSG, struct.pack("<IB", 0, 0) + bson.encode(self._answer(_command(body))))

    def _write(self, answers: int, kind: int, body: bytes) -> None:
        self.wfile.write(struct.pack("<iiii", 16 + len(body), 1, answers, kind) + body)

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        documents: dict[str, Any] = self.server.documents  # type: ignore[attr-defined]
        match next(iter(command)):
            case "hello" | "ismaster":
                return _HELLO | {"localTime": datetime.now(UTC)}
            case "buildInfo" | "buildinfo":
                return {"version": "7.0.0", "versionArray": [7, 0, 0, 0], "ok": 1}
            case "find":
                found = documents.get(command["filter"]["key"])
                batch = [found] if found else []
                return {"cursor": {"id": 0, "ns": "warest.cacheEntries", "firstBatch": batch}, "ok": 1}
            case "update":
                for each in command["updates"]:
                    documents.setdefault(each["q"]["key"], dict(each["q"])).update(each["u"]["$set"])
                return {"n": 1, "nModified": 1, "ok": 1}
            case "delete":
                gone = [documents.pop(each["q"]["key"], None) for each in command["deletes"]]
                return {"n": len(gone), "ok": 1}
            case "createIndexes":
                return {"numIndexesBefore": 1, "numIndexesAfter": 1 + len(command["indexes"]), "ok": 1}
            case "endSessions":
                return {"ok": 1}
        return {"ok": 0, "code": 59, "codeName": "CommandNotFound", "errmsg": f"no such command: {next(iter(command))}"}


_HELLO = {
    "isWritablePrimary": True, "ismaster": True, "helloOk": True, "maxBsonObjectSize": 16_777_216,
    "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "logicalSessionTimeoutMinutes": 30,
    "connectionId": 1, "minWireVersion": 0, "maxWireVersion": 21, "readOnly": False, "ok": 1,
}  # fmt: skip


def _command(body: bytes) -> dict[str, Any]:
    """The sections of a message: one document, and lists that belong to it."""
    command: dict[str, Any] = {}
    at, end = 4, len(body)
    while at < end:
        kind, at = body[at], at + 1
        size = struct.unpack_from("<i", body, at)[0]
        if kind == 0:
            command |= bson.decode(body[at : at + size])
        else:
            name, _, rest = body[at + 4 : at + size].partition(b"\0")
            command[name.decode()] = bson.decode_all(rest)
        at += size
    return command
