"""Files over HTTP: by signed links and by public addresses, whole and in parts."""

import dataclasses
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from falcon import testing

from support.waiting import eventually
from warest.config import house
from warest.config.house import House
from warest.config.settings import Settings
from warest.drivers.storage import Bucket, Opened, Storage, Visibility, open
from warest.errors import DriverError
from warest.http import app
from warest.http.files import Content
from warest.limits import Limits
from warest.store import Store

Application = Callable[..., testing.TestClient]

ADMIN_KEY = "admin-key-of-the-tests"

#: Two chunks of the encrypted format, and a bit.
CONTENT = random.Random(1).randbytes(150_000)

FORBIDDEN = {"status": False, "code": 2201, "message": "this link is not valid", "results": []}
NO_FILE = {"status": False, "code": 2605, "message": "No such file", "results": []}


@pytest.fixture
def private(files: Storage) -> str:
    """A link to a private file."""
    files.put("media/photo.png", [CONTENT], original_name="Photo.png")
    return files.signed_url("media/photo.png")


@pytest.fixture
def public(files: Storage) -> str:
    """The address of a public file."""
    files.put("media/song.ogg", [CONTENT], visibility="public", mime_type="audio/ogg; codecs=opus")
    return files.public_url("media/song.ogg")


@pytest.fixture(params=["private", "public"])
def address(request: pytest.FixtureRequest) -> str:
    """Of a file of either kind."""
    found: str = request.getfixturevalue(request.param)
    return found


def get(client: testing.TestClient, address: str, method: str = "GET", **headers: str) -> testing.Result:
    path, _, query = address.partition("?")
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.simulate_request(method, path, query_string=query, headers=given)


def altered(link: str, **changes: str) -> str:
    parts = urlsplit(link)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return f"{parts.path}?" + "&".join(f"{name}={value}" for name, value in query.items())


def test_a_private_file(client: testing.TestClient, private: str) -> None:
    """With its link, and no key; what comes in from WhatsApp is private (quirk S7)."""
    assert Settings().storage_visibility == "private"
    answer = get(client, private)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-disposition"] == "inline; filename=\"Photo.png\"; filename*=UTF-8''Photo.png"
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_public_file(client: testing.TestClient, public: str) -> None:
    """By its key; the path's fixed part in any case."""
    for path in (public, public.replace("/storages", "/Storages"), f"{public}/"):
        answer = get(client, path)
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["content-type"] == "audio/ogg; codecs=opus"
        assert answer.headers["cache-control"] == "public, max-age=86400"
    assert get(client, public.replace("song", "SONG")).json == NO_FILE


def test_a_name_to_save_it_under(client: testing.TestClient, files: Storage, private: str) -> None:
    """It is part of what is signed."""
    link = files.signed_url("media/photo.png", download='R\u00e9sum\u00e9 "1".png')
    assert get(client, link).headers["content-disposition"] == (
        "attachment; filename=\"R_sum_ _1_.png\"; filename*=UTF-8''R%C3%A9sum%C3%A9%20%221%22.png"
    )
    assert get(client, altered(link, download="other.exe")).json == FORBIDDEN


@pytest.mark.parametrize(
    "changes",
    [{"key": "media/other.png"}, {"token": "0" * 64}, {"token": ""}, {"expires": "9999999999"}, {"scope": "x"},
     {"visibility": "public"}, {"expires": "x"}, {"token": "%C3%A4"}, {"key": "..%2F..%2Fsecrets.json"}],
)  # fmt: skip
def test_a_forged_link(client: testing.TestClient, private: str, changes: dict[str, str]) -> None:
    """403 in the contract's envelope."""
    answer = get(client, altered(private, **changes))
    assert (answer.status_code, answer.json) == (403, FORBIDDEN)


@pytest.mark.parametrize("query", ["", "?key=media/photo.png", "?key=a&key=b&token=c&token=d"])
def test_what_is_no_link(client: testing.TestClient, private: str, query: str) -> None:
    answer = get(client, f"/storage/private{query}")
    assert (answer.status_code, answer.json) == (403, FORBIDDEN)


def test_a_link_that_has_expired(client: testing.TestClient, files: Storage, private: str) -> None:
    """Says so."""
    answer = get(client, files.signed_url("media/photo.png", seconds=-1))
    assert (answer.status_code, answer.json) == (403, {**FORBIDDEN, "message": "this link has expired"})


def test_a_file_that_is_gone(client: testing.TestClient, files: Storage, private: str, public: str) -> None:
    """A link to it is right, and leads nowhere."""
    files.delete("media/photo.png")
    files.delete("media/song.ogg")
    for address in (private, public):
        answer = get(client, address)
        assert (answer.status_code, answer.json) == (404, NO_FILE)


def test_guessing_links(application: Application, files: Storage, private: str) -> None:
    """Is counted with the guessing of keys; those who have a link that is right, or was, are not held up by it."""
    client = application(guesses_max=3)
    expired = files.signed_url("media/photo.png", seconds=-1)
    assert {get(client, expired).status_code for _ in range(5)} == {403}
    forged = [get(client, altered(private, token=f"{number}")) for number in range(4)]
    assert [answer.status_code for answer in forged] == [403, 403, 403, 429]
    assert forged[3].json["error"] == "Too many requests" and int(forged[3].headers["retry-after"]) > 50
    assert client.simulate_get("/api/v1/session/list", headers={"X-API-KEY": ADMIN_KEY}).status_code == 429
    assert get(client, private).status_code == 200 and get(client, expired).status_code == 403


def test_nothing_is_counted(application: Application, private: str, public: str) -> None:
    """Neither against the calls of a key that is shown for nothing, nor against anybody else."""
    client = application(rate_max=1, quota_max=1)
    for address in (private, public) * 3:
        answer = get(client, address, X_API_KEY=ADMIN_KEY)
        assert answer.status_code == 200 and "x-ratelimit-limit" not in answer.headers
    assert client.simulate_get("/api/v1/session/list", headers={"X-API-KEY": ADMIN_KEY}).status_code == 200


# What is private stays so


@pytest.mark.parametrize(
    "path",
    ["media/photo.png", "../private/storages/media/photo.png", "..%2f..%2fsecrets.json", "%2e%2e/x", "./media/song.ogg",
     "/media/song.ogg", "media//song.ogg", "media%2f%2fsong.ogg", "media/../media/song.ogg", ".incoming/x", "media",
     "media/song.ogg%00", "%00", "media%5csong.ogg", "x" * 300, "..", "%ff", "media/.meta.json"],
)  # fmt: skip
def test_nothing_else_is_public(client: testing.TestClient, private: str, public: str, path: str) -> None:
    """Neither private files, nor anything outside, nor a public file under a second name."""
    answer = get(client, f"/storages/{path}")
    assert (answer.status_code, answer.json) == (404, NO_FILE)


def test_a_link_in_the_folder_leads_nowhere(
    client: testing.TestClient, settings: Settings, public: str, folder: Path
) -> None:
    (folder / "secret").write_text("secret")
    (settings.public_path / "media" / "link").symlink_to(folder / "secret")
    assert get(client, "/storages/media/link").json == NO_FILE


def test_a_file_that_becomes_private_meanwhile(
    client: testing.TestClient, files: Storage, public: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the answer: what is sent is public, or nothing."""
    known = files.stat("media/song.ogg")
    files.put("media/song.ogg", [b"a secret"])
    monkeypatch.setattr(files, "stat", lambda _: known)
    for range_ in ("", "bytes=0-3"):
        answer = get(client, public, **({"Range": range_} if range_ else {}))
        assert answer.status_code == 404 and b"secret" not in answer.content


# Parts


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=0-", 0, 149_999), ("bytes=65535-65536", 65535, 65536), ("BYTES=5-9", 5, 9),
     ("bytes=149999-", 149_999, 149_999), ("bytes=100-999999", 100, 149_999), ("bytes=-1", 149_999, 149_999),
     ("bytes=-999999", 0, 149_999), (" bytes=5-9 ", 5, 9), ("bytes=0-" + "9" * 3000, 0, 149_999),
     ("bytes=70000-140000", 70_000, 140_000)],
)  # fmt: skip
def test_a_part(client: testing.TestClient, address: str, asked: str, first: int, last: int) -> None:
    """From the first to the last byte, both of them too."""
    answer = get(client, address, Range=asked)
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/150000"
    assert answer.headers["content-length"] == str(last + 1 - first)
    assert answer.headers["etag"] == get(client, address).headers["etag"]


@pytest.mark.parametrize("asked", ["bytes=150000-", "bytes=150000-150001", "bytes=" + "9" * 4000 + "-", "bytes=-0"])
def test_a_part_that_is_not_there(client: testing.TestClient, address: str, asked: str) -> None:
    """416, and how long the file is."""
    answer = get(client, address, Range=asked)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */150000"


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "bytes=0x1-2",
     "bytes=1.0-2", "bytes=+1-2", "bytes=--1", "bytes=\u0661-2", "bytes=0-" + "9" * 5000],
)  # fmt: skip
def test_what_is_no_single_part(client: testing.TestClient, address: str, asked: str) -> None:
    """The whole file, as HTTP has it."""
    answer = get(client, address, Range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT) and "content-range" not in answer.headers


def test_any_part(client: testing.TestClient, address: str) -> None:
    chance = random.Random(2)
    for _ in range(60):
        first, last = sorted(chance.sample(range(150_000), 2))
        assert get(client, address, Range=f"bytes={first}-{last}").content == CONTENT[first : last + 1]


def test_an_empty_file(client: testing.TestClient, files: Storage) -> None:
    """Has no parts."""
    kinds: tuple[Visibility, ...] = ("private", "public")
    for visibility in kinds:
        files.put("empty", [], visibility=visibility)
        address = files.signed_url("empty") if visibility == "private" else files.public_url("empty")
        for asked, status in (("", 200), ("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=-1", 200), ("bytes=-0", 416)):
            answer = get(client, address, Range=asked)
            assert (answer.status_code, answer.content) == (status, b""), asked


def test_the_rest_of_the_same_file(client: testing.TestClient, files: Storage, address: str) -> None:
    """If-Range: the part if it is still the file that somebody has the beginning of, else all of the new one."""
    headers = get(client, address).headers
    tag = headers["etag"]
    assert get(client, address, Range="bytes=5-", If_Range=tag).status_code == 206
    for other in ('"x"', "W/" + tag, headers["last-modified"], ""):
        assert get(client, address, Range="bytes=5-", If_Range=other).status_code == 200
    key = "media/photo.png" if address.startswith("/storage/") else "media/song.ogg"
    files.put(key, [b"another"], visibility=files.stat(key).visibility)
    assert get(client, address, Range="bytes=5-", If_Range=tag).content == b"another"


def test_a_file_that_changes_meanwhile(
    client: testing.TestClient, files: Storage, private: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of the one is never sent as that of the other."""
    known = files.stat("media/photo.png")
    files.put("media/photo.png", [b"short"])
    monkeypatch.setattr(files, "stat", lambda _: known)
    for asked in ("bytes=0-2", "bytes=100000-"):
        answer = get(client, private, Range=asked)
        assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"short", "5")


# What a caller has already, HEAD, and what stands in the way


def test_what_the_caller_has_already(client: testing.TestClient, address: str) -> None:
    """304, without a body."""
    first = get(client, address)
    tag, date = first.headers["etag"], first.headers["last-modified"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag) and date.endswith(" GMT")
    for known in (tag, f'"x", W/{tag}', "*"):
        answer = get(client, address, If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert get(client, address, If_Modified_Since=date).status_code == 304
    assert get(client, address, If_None_Match='"x"', If_Modified_Since=date).status_code == 200
    assert get(client, address, If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT").status_code == 200
    assert get(client, address, If_None_Match='"x"', Range="bytes=0-0").status_code == 206


def test_head(client: testing.TestClient, files: Storage, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What GET says, of the whole file, without opening it."""
    whole = get(client, address).headers
    monkeypatch.delattr(type(files), "open")
    answer = get(client, address, "HEAD", Range="bytes=0-1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert {name: value for name, value in answer.headers.items() if name != "x-request-id"} == {
        name: value for name, value in whole.items() if name != "x-request-id"
    }
    assert get(client, "/storages/nothing", "HEAD").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_are_only_read(client: testing.TestClient, address: str, method: str) -> None:
    assert get(client, address, method).status_code == 404
    assert get(client, address).status_code == 200


def test_streams_are_not_compressed(client: testing.TestClient, address: str) -> None:
    """Nor held up: what does so would have them in memory."""
    answer = get(client, address, Accept_Encoding="gzip")
    assert answer.content == CONTENT and "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [("a.html", "", "attachment"), ("a.svg", "", "attachment"), ("a.png", "text/html", "attachment"),
     ("a.html", "image/png", "inline"), ("a.js", "", "attachment"), ("a.mp4", "", "inline"), ("a.txt", "", "inline"),
     ("a", "text/html\r\nSet-Cookie: x=y", "attachment"), ("a\r\nb: c", "image/png", "inline")],
)  # fmt: skip
def test_files_do_no_harm(client: testing.TestClient, files: Storage, name: str, kind: str, shown: str) -> None:
    """Whatever they are and call themselves: nothing runs, nothing is guessed, no header is theirs."""
    files.put("x", [b"<script>alert(1)</script>"], original_name=name, mime_type=kind)
    answer = get(client, files.signed_url("x"))
    assert answer.headers["content-disposition"].partition(";")[0] == shown
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy and "sandbox" in policy
    assert not any("script" in part or "allow" in part for part in policy)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers and "b" not in answer.headers


def test_a_sidecar_that_lies(client: testing.TestClient, settings: Settings, files: Storage, address: str) -> None:
    """About size and checksum, or not there: the file is sent as it is."""
    key = "media/photo.png" if address.startswith("/storage/") else "media/song.ogg"
    path = settings.metadata_path / f"{key}.meta.json"
    for lie in ({"size": 10**9}, {"size": 5}, {"checksum": '"\r\nX: y'}, {"mimeType": "text/html\r\nX: y"}):
        path.write_text(json.dumps({**json.loads(path.read_text()), **lie}))
        answer = get(client, address, Range="bytes=0-999999999")
        assert answer.content == CONTENT and answer.headers["content-length"] == "150000" and "x" not in answer.headers
    path.unlink()
    answer = get(client, address)
    assert answer.content == CONTENT and answer.headers["etag"].startswith("W/")
    assert get(client, address, Range="bytes=5-", If_Range=answer.headers["etag"]).status_code == 200


def test_a_damaged_file(client: testing.TestClient, settings: Settings, private: str) -> None:
    """Whose end is not right is not begun: 503, and nothing of why."""
    path = settings.private_path / "media/photo.png"
    path.write_bytes(path.read_bytes()[:-1])
    answer = get(client, private)
    assert answer.status_code == 503 and answer.json["message"] == "Service unavailable, try again later"


def test_every_file_is_closed(
    client: testing.TestClient, files: Storage, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the answer, of a part too."""
    closed: list[Opened] = []
    close = Opened.close

    def noted(opened: Opened) -> None:
        closed.append(opened)
        close(opened)

    monkeypatch.setattr(Opened, "close", noted)
    for asked in ("", "bytes=5-9"):
        get(client, address, Range=asked)
    assert len(closed) == 2


# Where they are


@pytest.mark.parametrize(
    ("settings_", "private_at", "public_at"),
    [
        ({"storage_signed_url": "/files/mine", "storage_public_url": "/files/all/"}, "/files/mine", "/files/all"),
        (
            {"storage_signed_url": "https://wa.example/sub/p", "storage_public_url": "https://wa.example/q"},
            "/sub/p",
            "/q",
        ),
        ({"storage_signed_url": "https://wa.example", "storage_public_url": "https://cdn.example/"}, "", ""),
    ],
)
def test_other_addresses(
    application: Application, files: Storage, private: str, public: str, settings_: Any, private_at: str, public_at: str
) -> None:
    """Paths, or URLs that a proxy serves; what is none of ours is left alone."""
    client = application(**settings_)
    link = f"{private_at or '/storage/private'}?{urlsplit(private).query}"
    assert get(client, link).status_code == (200 if private_at else 404)
    assert get(client, f"{public_at or '/storages'}/media/song.ogg").status_code == (200 if public_at else 404)
    assert client.simulate_get("/nope").json == {"error": "Cannot GET /nope"}


def test_with_s3(parts: House, opened: Store, limits: Limits, private: str, public: str) -> None:
    """The links lead to the bucket: here is nothing."""
    bucket = open(Bucket("files", "http://127.0.0.1:1", access_key="x", secret_key="y"))
    client = testing.TestClient(app.create_app(parts, opened, bucket, limits, admin_key=ADMIN_KEY))
    for address in (private, public):
        assert get(client, address).status_code == 404
    document = client.simulate_get("/docs/openapi.json", headers={"X-API-KEY": ADMIN_KEY}).json
    assert "/storage/private" not in document["paths"]


def test_the_link_lasts(client: testing.TestClient, files: Storage, private: str) -> None:
    """Until the second that it says, and no longer."""
    link = files.signed_url("media/photo.png", seconds=2)
    expires = int(dict(parse_qsl(urlsplit(link).query))["expires"])
    assert get(client, link).status_code == 200
    eventually(lambda: get(client, link).status_code == 403, within=5)
    assert expires <= time.time() < expires + 2


def test_by_the_environment(settings: Settings, private: str, parts: House, opened: Store, limits: Limits) -> None:
    """Another process with the same settings takes the link."""
    other = dataclasses.replace(parts, settings=settings)
    client = testing.TestClient(
        app.create_app(other, opened, house.open_storage(settings), limits, admin_key=ADMIN_KEY)
    )
    assert get(client, private).content == CONTENT


def test_a_file_that_becomes_shorter(settings: Settings, files: Storage, public: str) -> None:
    """While it is sent: the answer ends with an error, which the server tells by closing the connection."""
    with files.open("media/song.ogg") as opened:
        content = Content(opened, len(CONTENT))
        (settings.public_path / "media/song.ogg").write_bytes(CONTENT[:100_000])
        with pytest.raises(DriverError, match="not as long as it should be"):
            b"".join(content)
