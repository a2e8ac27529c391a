"""The files of incoming messages: whatever becomes of one, its message is reported, once, and says so."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest

from support.certificates import Authority
from support.file_host import FileHost, says
from support.tunnel import Tunnel
from support.waiting import eventually
from support.whatsapp_files import received, sealed
from warest import events, keys, mirroring
from warest.actors import mirror
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.errors import RateLimited
from warest.fetch.media_host import HOST, MediaHost
from warest.proxies import parse
from warest.store import Account, Store

CONTENT = b"a picture" * 1000

Work = Callable[..., None]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def host(authority: Authority) -> Iterator[FileHost]:
    """WhatsApp's, with a picture under /M1."""
    with FileHost(certificate=authority.certificate(HOST)) as host:
        host.paths["/M1"] = says(200, sealed(CONTENT))
        yield host


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirroring, "SCHEDULE", (0.05, 0.05))


@pytest.fixture
def work(
    settings: Settings, opened: Store, files: Storage, authority: Authority, host: FileHost, parts: House
) -> Iterator[Work]:
    """Starts a worker with these settings changed."""
    running: list[tuple[dramatiq.Worker, House, MediaHost]] = []
    with Tunnel(host.port) as tunnel:

        def start(**changed: Any) -> None:
            own = house.connect(settings.model_copy(update=changed))
            media = MediaHost(seconds=5, proxy=parse(tunnel.url), trusted=authority.believed())
            mirror.declare(own, opened, files, media, lambda _: None)
            queues = {keys.MIRROR_QUEUE, keys.WEBHOOK_QUEUE}
            worker = dramatiq.Worker(own.broker, queues=queues, worker_threads=2, worker_timeout=50)
            worker.start()
            running.append((worker, own, media))

        yield start
        for worker, own, media in running:
            worker.stop(timeout=5000)
            media.close()
            own.broker.close()
            own.redis.close()


@pytest.fixture
def session(opened: Store) -> events.SessionIdentity:
    return opened.create_session(admin(opened), "ani").identity


def admin(opened: Store) -> Account:
    account = opened.account_by_key("admin-key-of-the-tests")
    assert account is not None
    return account


def entrust(
    parts: House, session: events.SessionIdentity, data: dict[str, Any], *, patience_ms: int = 60_000, id: str = "evt_1"
) -> None:
    parts.bus.entrust(session, id, data, patience_ms=patience_ms)


def published(parts: House) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of every event, oldest first."""
    entries: Any = parts.redis.xrange(keys.EVENTS)
    return [(fields[b"event"].decode(), json.loads(fields[b"body"])["data"]) for _, fields in entries]


def outcomes(parts: House) -> list[tuple[str, str]]:
    return [(name, data["media"]["mirror"]["status"]) for name, data in published(parts)]


def told(parts: House, *wanted: tuple[str, str]) -> dict[str, Any]:
    """Wait for these events, and no others; the data of the last one."""
    eventually(lambda: len(published(parts)) >= len(wanted))
    parts.broker.join(keys.MIRROR_QUEUE, timeout=5000)
    assert outcomes(parts) == [*wanted]
    return published(parts)[-1][1]


def test_a_file_is_stored_and_told_of(
    work: Work, parts: House, session: events.SessionIdentity, opened: Store, files: Storage
) -> None:
    """The link in the event is of this server and leads to the file; the database knows all of it."""
    work(base_url="https://us.example")
    entrust(parts, session, received(CONTENT))
    media = told(parts, ("message_received", "stored"))["media"]
    key = f"incoming-media/{session.ulid}/imageMessage/{hashlib.sha256(CONTENT).hexdigest()}.jpg"
    assert media["storageKey"] == key and media["url"].startswith("https://us.example/storage/private?key=")
    with files.open(key) as stored:
        assert (stored.read(), stored.stored.mime_type, stored.stored.visibility) == (CONTENT, "image/jpeg", "private")
    kept = opened.files.find(admin(opened), session.ulid, "M1")
    assert kept and (kept.state, kept.told, kept.storage_key, kept.tries) == ("stored", "stored", key, 1)
    assert (kept.chat, kept.mime_type, kept.size) == ("628222@s.whatsapp.net", "image/jpeg", len(CONTENT))


def test_a_public_file_has_a_plain_link(work: Work, parts: House, session: events.SessionIdentity) -> None:
    work(storage_visibility="public", base_url="https://us.example")
    entrust(parts, session, received(CONTENT))
    media = told(parts, ("message_received", "stored"))["media"]
    assert media["url"] == f"https://us.example/storages/{media['storageKey']}"


def test_a_message_that_comes_twice(work: Work, parts: House, session: events.SessionIdentity, host: FileHost) -> None:
    """WhatsApp delivers it again: nothing is fetched again, and nobody hears of it again."""
    work()
    entrust(parts, session, received(CONTENT))
    told(parts, ("message_received", "stored"))
    entrust(parts, session, received(CONTENT))
    told(parts, ("message_received", "stored"))
    assert len(host.asked) == 1


def test_the_same_file_in_another_message(
    work: Work, parts: House, session: events.SessionIdentity, host: FileHost
) -> None:
    """It is kept once, and fetched once."""
    work()
    entrust(parts, session, received(CONTENT))
    told(parts, ("message_received", "stored"))
    entrust(parts, session, received(CONTENT, "M2"), id="evt_2")
    told(parts, ("message_received", "stored"), ("message_received", "stored"))
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    ("settings_", "media", "reason"),
    [
        ({"mirror": False}, {}, "WAREST_DOWNLOAD_MEDIA_RECEIVED is off"),
        ({"mirror_types": "image/png, audio/*"}, {}, "image/jpeg is not in WAREST_DOWNLOAD_MEDIA_ALLOW_MIMETYPES"),
        ({}, {"mimeType": ""}, "a file without a type is not in WAREST_DOWNLOAD_MEDIA_ALLOW_MIMETYPES"),
        ({"mirror_limit_mb": 0.001}, {}, "it is larger than WAREST_DOWNLOAD_MEDIA_MAX_MB (0.001)"),
    ],
)
def test_a_file_that_is_not_wanted(
    work: Work,
    parts: House,
    session: events.SessionIdentity,
    host: FileHost,
    settings_: dict[str, Any],
    media: dict[str, Any],
    reason: str,
) -> None:
    """It stays where it is; the event says why, and how to get it."""
    work(**settings_)
    entrust(parts, session, received(CONTENT, **media))
    data = told(parts, ("message_received", "skipped"))
    assert data["media"]["mirror"]["reason"] == reason and data["media"]["directPath"] == "/M1?ccb=1"
    assert host.asked == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_gone(
    work: Work, parts: House, session: events.SessionIdentity, host: FileHost, status: int
) -> None:
    """It is not asked for again: the engine cannot ask the phone for it (decision 41)."""
    host.paths["/M1"] = says(status)
    work()
    entrust(parts, session, received(CONTENT))
    data = told(parts, ("message_received", "expired"))
    assert str(status) in data["media"]["mirror"]["reason"] and len(host.asked) == 1


@pytest.mark.parametrize(
    "sent",
    [
        sealed(CONTENT)[:-1] + b"?",
        b"?" + sealed(CONTENT)[1:],
        sealed(CONTENT)[:-16],
        sealed(b"another"),
        b"",
        sealed(CONTENT) + b"x" * 1000,
    ],
    ids=["mac", "content", "end", "other", "empty", "longer"],
)
def test_a_file_that_is_not_the_one(
    work: Work, parts: House, session: events.SessionIdentity, host: FileHost, files: Storage, sent: bytes
) -> None:
    """Nothing of it is kept."""
    host.paths["/M1"] = says(200, sent)
    work()
    entrust(parts, session, received(CONTENT))
    told(parts, ("message_received", "failed"))
    assert list(files.walk()) == []


def test_a_message_that_lies_about_its_place(
    work: Work, parts: House, session: events.SessionIdentity, host: FileHost
) -> None:
    """It is reported like any other."""
    work()
    entrust(parts, session, received(CONTENT, directPath="", url="http://169.254.169.254/latest"))
    told(parts, ("message_received", "failed"))
    assert host.asked == []


def test_a_host_that_recovers(work: Work, parts: House, session: events.SessionIdentity, host: FileHost) -> None:
    """Within the patience nobody notices."""
    host.paths["/M1"] = says(503)
    work()
    entrust(parts, session, received(CONTENT))
    eventually(lambda: host.asked)
    host.paths["/M1"] = says(200, sealed(CONTENT))
    told(parts, ("message_received", "stored"))


def test_a_host_that_stays_away(work: Work, parts: House, session: events.SessionIdentity, host: FileHost) -> None:
    """After the last try it is over, and told."""
    host.paths["/M1"] = says(503)
    work()
    entrust(parts, session, received(CONTENT))
    told(parts, ("message_received", "failed"))
    assert len(host.asked) == 3


def test_an_event_does_not_wait_for_ever(
    work: Work, parts: House, session: events.SessionIdentity, host: FileHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes out without the file, which is told of when it has come."""
    monkeypatch.setattr(mirroring, "SCHEDULE", (0.05,) * 1000)
    host.paths["/M1"] = says(503)
    work()
    entrust(parts, session, received(CONTENT), patience_ms=200)
    eventually(lambda: published(parts))
    assert published(parts)[0][1]["media"]["directPath"]
    host.paths["/M1"] = says(200, sealed(CONTENT))
    data = told(parts, ("message_received", "pending"), ("message_media", "stored"))
    assert data["message"]["key"]["id"] == "M1" and data["media"]["storageKey"]
    assert list(data) == ["id", "message", "contentType", "sender", "media", "eventId", "sessionId"]


def test_an_event_goes_out_when_nobody_fetches(parts: House, session: events.SessionIdentity, opened: Store) -> None:
    """The queue of the files may be long: another one sees to it."""
    work = mirror.Mirror(parts, opened, None, None, lambda _: None)  # type: ignore[arg-type]
    report = mirror.Report(session, "evt_1", received(CONTENT))
    work.report_without_file(report)
    work.report_without_file(report)
    assert outcomes(parts) == [("message_received", "pending")]


def test_a_full_queue_takes_no_more(parts: House, session: events.SessionIdentity, settings: Settings) -> None:
    """The session's process then waits, and WhatsApp keeps what it cannot hand over."""
    small = house.connect(settings.model_copy(update={"queue_limit": 1}))
    entrust(small, session, received(CONTENT))
    with pytest.raises(RateLimited):
        entrust(small, session, received(CONTENT))
    assert small.broker.depths()[keys.MIRROR_QUEUE] == (1, 0)
    small.broker.close()


def test_a_session_that_was_deleted_meanwhile(
    work: Work, parts: House, session: events.SessionIdentity, opened: Store, files: Storage
) -> None:
    """Nothing of it stays, also when the file comes after all the rest was deleted."""
    opened.delete_session(admin(opened), session.ulid)
    work()
    entrust(parts, session, received(CONTENT))
    parts.broker.join(keys.MIRROR_QUEUE, timeout=5000)
    assert list(files.walk()) == [] and published(parts) == []


def test_asking_for_a_file_again(
    work: Work, parts: House, session: events.SessionIdentity, host: FileHost, files: Storage
) -> None:
    """One that the settings did not want, and one that was lost here; not one that nobody has heard of."""
    work(mirror=False)
    entrust(parts, session, received(CONTENT))
    told(parts, ("message_received", "skipped"))

    def ask(message: str = "M1") -> Any:
        where = {"session": session.ulid, "chat": "628222@s.whatsapp.net", "message": message}
        return parts.bus.order(keys.MIRROR_QUEUE, "fetch_file", 5, **where)

    first = ask()
    assert first["state"] == ask()["state"] == "stored" and len(host.asked) == 1
    files.delete(first["storage_key"])
    assert ask()["state"] == "stored" and len(host.asked) == 2
    files.delete(first["storage_key"])
    host.paths["/M1"] = says(410)
    assert ask()["state"] == "expired"
    assert ask("M2") is None
