"""Events as they happen: from the web process as it runs, to callers of every kind."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import web_process
from support.listener import Listener, Told
from support.waiting import eventually
from support.web_process import KEY, WebProcess
from warest import events, ids, keys, store
from warest.chronicle import Chronicle, Wanted
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.errors import DriverError
from warest.http import event_streams
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.event_streams import EventStreams, Peer
from warest.store import Store

USER_KEY = "user-key-of-the-tests"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@contextmanager
def at(redis_url: str) -> Iterator[House]:
    """To publish; Redis keeps what is in it."""
    parts = house.connect(Settings(redis_url=redis_url))
    yield parts
    parts.broker.close()
    parts.redis.close()


@pytest.fixture(scope="module")
def web(data: Path, redis_url: str) -> Iterator[WebProcess]:
    settings = {"WAREST_WEB_THREADS": "6", "WAREST_EVENT_STREAMS_MAX": "2", "RATE_LIMIT_MAX": "1000000"}
    with at(redis_url) as parts:
        parts.redis.flushdb()  # what other tests have left
    with web_process.running(data, redis_url, **settings) as process:
        yield process


@pytest.fixture
def mine(redis_url: str) -> Iterator[House]:
    with at(redis_url) as parts:
        yield parts


def publish(parts: House, *texts: str, registry: str = "admin") -> list[events.Event]:
    identity = events.SessionIdentity("01ULID", "my.session", "my.session", registry, registry)
    made = [events.make_now(identity, events.CALL, {"text": text}, event_id=ids.new_event_id()) for text in texts]
    for event in made:
        assert parts.bus.publish(identity, event)
    return made


def bodies(told: list[Told]) -> list[bytes]:
    return [each.data.encode() for each in told]


def listening(web: WebProcess, path: str = "/api/v1/events/stream", key: str = KEY, **headers: str) -> Listener:
    """Once there is room: the place of whoever listened before may not be free yet."""

    def one() -> Listener:
        listener = Listener(web.port, path, **{"X-WAREST-API-KEY": key}, **headers)
        if listener.answer.status != 200:
            listener.__exit__()
            raise LookupError(listener.answer.status)
        return listener

    return eventually(one, what="a place")


def reading_nothing(port: int) -> socket.socket:
    """One who has asked, and has room for little."""

    def one() -> socket.socket:
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", port))
        lazy.sendall(f"GET /api/v1/events/stream?api_key={KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        if lazy.recv(13) != b"HTTP/1.1 200 ":
            lazy.close()
            raise LookupError
        return lazy

    return eventually(one, what="a place")


def test_what_happens_is_told(web: WebProcess, mine: House) -> None:
    """With its cursor, its name and the very bytes of its body; nothing of what was before, nothing compressed."""
    publish(mine, "before")
    with listening(web, Accept_Encoding="gzip") as listener:
        eventually(lambda: listener.last_id)
        made = publish(mine, "one\n\nline\r", "é \u2028 \U0001f600")
        eventually(lambda: len(listener.events) >= 2)
        assert bodies(listener.events) == [event.body for event in made]
        assert {told.event for told in listener.events} == {"call"} and listener.retry == "3000"
        assert ids.cursor_number(listener.events[0].id) < ids.cursor_number(listener.events[1].id)
        headers = listener.answer.headers
        assert headers["Content-Type"] == "text/event-stream" and headers["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in headers and "Content-Length" not in headers


def test_a_caller_who_comes_again(web: WebProcess, mine: House) -> None:
    """Says how far he got, and misses nothing. What his browser says counts for more than the address."""
    with listening(web) as listener:
        eventually(lambda: listener.last_id)
        begin = listener.last_id
        made = publish(mine, "1", "2", "3")
        eventually(lambda: len(listener.events) >= 3)
        second = listener.events[1].id
    with listening(web, f"/api/v1/events/stream?after={begin}") as listener:
        eventually(lambda: len(listener.events) >= 3)
        assert bodies(listener.events) == [event.body for event in made]
    with listening(web, f"/api/v1/events/stream?after={begin}", Last_Event_ID=second) as listener:
        more = publish(mine, "4")
        eventually(lambda: len(listener.events) >= 2)
        assert bodies(listener.events) == [made[2].body, more[0].body]


def test_own_events_that_were_wanted(web: WebProcess, mine: House, data: Path) -> None:
    """Of others' nothing is heard. The position moves on all the same."""
    store.open(store.Sqlite(data / "warest.sqlite")).users.add("TENANT", "user", "x", first_key=USER_KEY)
    with (
        listening(web, f"/api/v1/events/stream?api_key={USER_KEY}&after=now", key="") as user,
        listening(web, "/api/v1/events/stream?types=call,message_sent&session=other,my.session") as admin,
    ):
        eventually(lambda: user.last_id and admin.last_id)
        theirs, ours = publish(mine, "theirs", registry="TENANT"), publish(mine, "ours")
        eventually(lambda: user.events and admin.events)
        assert (bodies(user.events), bodies(admin.events)) == ([theirs[0].body], [ours[0].body])


def test_the_places(web: WebProcess) -> None:
    """Are few. Whoever finds none is told when to come again; who goes makes room, and others are served."""
    url = f"http://127.0.0.1:{web.port}/api/v1"
    headers = {"X-WAREST-API-KEY": KEY}
    with listening(web), listening(web):
        refused = httpx.get(f"{url}/events/stream", headers=headers, trust_env=False)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert refused.json() == {
            "status": False, "code": 1600, "message": "Too many event streams are open", "results": [],
        }  # fmt: skip
        assert httpx.head(f"{url}/events/stream", headers=headers, trust_env=False).status_code == 200
        for _ in range(8):
            assert httpx.get(f"{url}/events", headers=headers, trust_env=False).status_code == 200
    for _ in range(3):
        listening(web).__exit__()


def test_a_caller_who_does_not_read(web: WebProcess, mine: House) -> None:
    """Holds nobody up."""
    with reading_nothing(web.port), listening(web) as listener:
        eventually(lambda: listener.last_id)
        publish(mine, *["x" * 100_000] * 100)
        eventually(lambda: len(listener.events) == 100)
        headers = {"X-WAREST-API-KEY": KEY}
        answer = httpx.get(f"http://127.0.0.1:{web.port}/api/v1/session/list", headers=headers, trust_env=False)
        assert answer.status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_process(tmp_path: Path, redis_url: str, number: signal.Signals) -> None:
    """Streams end with it, well before anybody loses patience; also those that nobody reads."""
    own = f"{redis_url}?db=1"  # the other one is another installation's
    with (
        web_process.running(tmp_path, own) as process,
        at(own) as mine,
        reading_nothing(process.port),
        listening(process) as listener,
    ):
        eventually(lambda: listener.last_id)
        publish(mine, *["x" * 100_000] * 100)
        eventually(lambda: len(listener.events) == 100)
        os.kill(process.pid, number)
        assert listener.has_ended.wait(4)
        eventually(lambda: is_over(process.pid))
        assert not mine.redis.hgetall(keys.MEMBERS), "gunicorn has killed it after five seconds"


def is_over(pid: int) -> bool:
    """It waits for nothing but to be asked for its status."""
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


# One stream, looked at from inside


@pytest.fixture
def chronicle(parts: House, opened: Store) -> Chronicle:
    return Chronicle(parts.redis, opened.events)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


ALL = Wanted("admin")

Ends = tuple[socket.socket, socket.socket]


def test_signs_of_life(chronicle: Chronicle, parts: House, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing happens, or nothing that is wanted; with the position."""
    monkeypatch.setattr(event_streams, "HEARTBEAT", 0.05)
    monkeypatch.setattr(event_streams, "LOOK_MS", 10)
    told = iter(EventStreams(1).open(chronicle, ALL, 0, Peer(ends[0])))
    assert next(told) == b"retry: 3000\nid: 0-0\n\n"
    assert next(told) == next(told) == b": nothing new\nid: 0-0\n\n"
    publish(parts, "theirs", registry="TENANT")
    newest = f"id: {ids.cursor_text(chronicle.end())}\n\n"
    eventually(lambda: next(told) == f": nothing new\n{newest}".encode())


def test_a_caller_who_has_gone(chronicle: Chronicle, ends: Ends) -> None:
    """Is noticed although nothing is written."""
    stream = EventStreams(1).open(chronicle, ALL, 0, Peer(ends[0]))
    told = iter(stream)
    next(told)
    threading.Timer(0.1, ends[1].close).start()
    assert list(told) == []


def test_a_caller_who_reads_nothing(
    chronicle: Chronicle, parts: House, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loses his connection after a while."""
    monkeypatch.setattr(event_streams, "READ_PATIENCE", 0.2)
    monkeypatch.setattr(event_streams, "LOOK_MS", 10)
    publish(parts, *["x" * 100_000] * 10)
    for piece in EventStreams(1).open(chronicle, ALL, 0, Peer(ends[0])):
        ends[0].sendall(piece)
    assert ends[0].fileno() >= 0 and b"".join(iter(lambda: ends[1].recv(100_000), b"")).startswith(b"retry: 3000")


def test_a_place_is_free_once(chronicle: Chronicle) -> None:
    """Whether the answer was begun, closed, closed again or dropped."""
    streams = EventStreams(1)
    for _ in range(3):
        stream: Any = streams.open(chronicle, ALL, 0, Peer(None))
        with pytest.raises(Refusal) as refused:
            streams.open(chronicle, ALL, 0, Peer(None))
        assert refused.value.app_code is Code.SSE_UNAVAILABLE
        stream.close()
        stream.close()
    stream = streams.open(chronicle, ALL, 0, Peer(None))
    del stream
    streams.open(chronicle, ALL, 0, Peer(None))
    with pytest.raises(Refusal):
        EventStreams(0).open(chronicle, ALL, 0, Peer(None))


def test_redis_goes_away(chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream ends, and the caller comes again."""

    def away(*_: object) -> None:
        raise DriverError("away")

    told = iter(EventStreams(1).open(chronicle, ALL, 0, Peer(None)))
    next(told)
    monkeypatch.setattr(chronicle, "after", away)
    assert list(told) == []
