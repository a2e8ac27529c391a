"""Only WhatsApp's own hosts are asked for the files of messages, whatever their senders wrote."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import Authority
from support.file_host import Asked, FileHost, says, starts
from support.tunnel import Tunnel
from warest.errors import FetchError, InvalidInput
from warest.fetch.media_host import HOST, MediaHost
from warest.proxies import parse

PATH = "/v/t62.7118-24/x"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def host(authority: Authority) -> Iterator[FileHost]:
    with FileHost(certificate=authority.certificate(HOST)) as host:
        yield host


@pytest.fixture
def tunnel(host: FileHost) -> Iterator[Tunnel]:
    with Tunnel(host.port) as tunnel:
        yield tunnel


@pytest.fixture
def media(authority: Authority, tunnel: Tunnel) -> Iterator[MediaHost]:
    opened = MediaHost(seconds=5, proxy=parse(tunnel.url), trusted=authority.believed())
    yield opened
    opened.close()


def fetch(media: MediaHost, path: str = PATH, url: str = "", limit: int = 100) -> bytes:
    with media.open(path, url, hash_=b"\xff\xfe", kind="image", limit=limit) as pieces:
        return b"".join(pieces)


def test_a_file_is_asked_for_as_whatsmeow_does(media: MediaHost, host: FileHost, tunnel: Tunnel) -> None:
    """With its hash and its kind behind whatever query the path has, through the proxy."""
    host.paths[PATH] = says(200, b"sealed")
    assert fetch(media, f"{PATH}?ccb=1") == fetch(media) == b"sealed"
    end = "hash=__4=&mms-type=image&__wa-mms="
    assert [asked.path for asked in host.asked] == [f"{PATH}?ccb=1&{end}", f"{PATH}?{end}"]
    assert {asked.headers["Origin"] for asked in host.asked} == {"https://web.whatsapp.com"}
    assert set(tunnel.asked) == {f"{HOST}:443"}


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", ""),
        ("no/slash", ""),
        ("//evil.example/x", ""),
        ("/with space", ""),
        ("/line\r\nHost: evil.example", ""),
        ("/" + "x" * 5000, ""),
        ("", "https://evil.example/x"),
        ("", "https://mmg.whatsapp.net.evil.example/x"),
        ("", "https://mmg.whatsapp.net@evil.example/x"),
        ("", "https://evil.example#.whatsapp.net/x"),
        ("", "https://evil.example\\.whatsapp.net/x"),
        ("", "http://mmg.whatsapp.net/x"),
        ("", "https://mmg.whatsapp.net:22/x"),
        ("", "https://whatsapp.net/x"),
        ("", "https://[::1/x"),
        ("", "file:///etc/passwd"),
        ("", "https://169.254.169.254/latest"),
    ],
)
def test_another_host_is_never_asked(media: MediaHost, tunnel: Tunnel, path: str, url: str) -> None:
    with pytest.raises(InvalidInput, match="does not say where"):
        fetch(media, path, url)
    assert tunnel.asked == []


def test_a_path_cannot_name_another_host(media: MediaHost, tunnel: Tunnel) -> None:
    """Whatever looks like one is a part of the path."""
    for path in ("/@evil.example/", "/\\evil.example", "/..//evil.example", "/%2f%2fevil.example"):
        with pytest.raises(FetchError):
            fetch(media, path)
    assert set(tunnel.asked) == {f"{HOST}:443"}


def test_an_old_message_has_a_url_only(authority: Authority, tmp_path: Path) -> None:
    """Of whichever host of WhatsApp's."""
    with (
        FileHost(certificate=authority.certificate("media-sin6.cdn.whatsapp.net")) as host,
        Tunnel(host.port) as tunnel,
    ):
        host.paths["/old"] = says(200, b"sealed")
        media = MediaHost(seconds=5, proxy=parse(tunnel.url), trusted=authority.believed())
        assert fetch(media, "", "https://media-sin6.cdn.whatsapp.net/old") == b"sealed"
        media.close()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_gone(media: MediaHost, host: FileHost, status: int) -> None:
    host.paths[PATH] = says(status)
    with pytest.raises(FetchError) as caught:
        fetch(media)
    assert caught.value.permanent and caught.value.details == {"permanent": True, "status": status, "gone": True}


@pytest.mark.parametrize("status", [301, 302, 401, 429, 500, 503])
def test_a_host_in_trouble_is_asked_again_later(media: MediaHost, host: FileHost, status: int) -> None:
    """Redirects are not followed: that would be the sender's way to another host."""
    host.paths[PATH] = says(status, Location="https://evil.example/")
    with pytest.raises(FetchError) as caught:
        fetch(media)
    assert not caught.value.permanent and len(host.asked) == 1


def test_a_file_that_is_too_large(media: MediaHost, host: FileHost) -> None:
    """Whether its host says so or not."""

    def endless(asked: Asked) -> None:
        starts()(asked)
        asked.send_endlessly(b"x" * 1000)

    for answer in (says(200, b"x" * 101), endless):
        host.paths[PATH] = answer
        with pytest.raises(InvalidInput, match="larger than 100 bytes"):
            fetch(media)


def test_a_host_that_takes_its_time(authority: Authority, host: FileHost, tunnel: Tunnel) -> None:
    """A byte now and then gives it no more of it."""
    media = MediaHost(seconds=0.3, proxy=parse(tunnel.url), trusted=authority.believed())

    def slow(asked: Asked) -> None:
        starts()(asked)
        asked.send_endlessly(b"x", 0.05)

    host.paths[PATH] = slow
    with pytest.raises(FetchError, match="in time"):
        fetch(media, limit=10**9)
    media.close()


def test_only_the_sandbox_is_believed(authority: Authority, tmp_path: Path) -> None:
    """A server that shows another authority's certificate is none of WhatsApp's."""
    (tmp_path / "other").mkdir()
    with FileHost(certificate=Authority(tmp_path / "other").certificate(HOST)) as host, Tunnel(host.port) as tunnel:
        media = MediaHost(seconds=5, proxy=parse(tunnel.url), trusted=authority.believed())
        with pytest.raises(FetchError, match="did not send the file"):
            fetch(media)
        assert host.asked == []
        media.close()
