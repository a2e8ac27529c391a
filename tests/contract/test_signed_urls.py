"""Links to private files of this host."""

import hashlib
import hmac
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from warest.drivers import storage
from warest.drivers.storage import Folders, Grant, Storage, signed_urls
from warest.errors import NotAllowed


@pytest.fixture
def local(folders: Folders) -> Storage:
    return storage.open(folders)


def query(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))


def test_what_a_link_looks_like(local: Storage) -> None:
    """As the original's, in the same order; its token is made of the JSON that JavaScript would make."""
    link = local.signed_url("a/b.pdf", seconds=60, download='Über "x".pdf')
    found = query(link)
    assert link.startswith("/storage/private?key=a%2Fb.pdf&visibility=private&expires=")
    assert list(found) == ["key", "visibility", "expires", "token", "scope", "download"]
    assert abs(int(found["expires"]) - time.time() - 60) < 2
    signed = (
        '{"key":"a/b.pdf","visibility":"private","expires":' + found["expires"] + ',"scope":"download",'
        '"downloadName":"Über \\"x\\".pdf"}'
    )
    assert found["token"] == hmac.new(b"a secret", signed.encode(), hashlib.sha256).hexdigest()
    assert local.grant(found) == Grant("a/b.pdf", 'Über "x".pdf')


def test_how_long_a_link_lasts(folders: Folders, local: Storage) -> None:
    """As the caller says, or the settings."""
    assert abs(int(query(local.signed_url("a"))["expires"]) - time.time() - folders.signed_seconds) < 2
    assert local.grant(query(local.signed_url("a"))) == Grant("a", "")
    for seconds in (0, -10):
        with pytest.raises(NotAllowed) as caught:
            local.grant(query(local.signed_url("a", seconds=seconds)))
        assert caught.value.details == {"reason": "expired"}


@pytest.mark.parametrize(
    "change",
    [
        {"key": "b"},
        {"key": "a/"},
        {"visibility": "public"},
        {"expires": "9999999999"},
        {"expires": "9999999999999"},
        {"expires": "-1"},
        {"expires": "1e9"},
        {"expires": "٣"},
        {"expires": ""},
        {"token": ""},
        {"token": "0" * 64},
        {"token": "ä"},
        {"token": "\ud800"},
        {"scope": "upload"},
        {"scope": ""},
        {"download": "x"},
    ],
)
def test_forged_links(local: Storage, change: dict[str, str]) -> None:
    """Every part is signed; whatever stands there, it is refused and nothing else happens."""
    good = query(local.signed_url("a", download="y"))
    assert local.grant(good)
    for forged in (good | change, {name: value for name, value in good.items() if name not in change}):
        with pytest.raises(NotAllowed) as caught:
            local.grant(forged)
        assert caught.value.details == {"reason": "invalid"}


def test_an_expired_link_that_was_forged(local: Storage) -> None:
    """It is not told from any other forgery."""
    with pytest.raises(NotAllowed) as caught:
        local.grant(query(local.signed_url("a", seconds=-10)) | {"key": "b"})
    assert caught.value.details == {"reason": "invalid"}


def test_links_of_another_secret() -> None:
    """Whoever guesses the original's default gets nowhere (quirk S8)."""
    link = signed_urls.sign("/x", "warest-storage-secret", "a", seconds=60)
    with pytest.raises(NotAllowed):
        signed_urls.verify("another", query(link))


def test_a_base_of_its_own() -> None:
    """Absolute, or with a query already."""
    assert signed_urls.sign("https://x/y?z=1", "s", "a", seconds=60).startswith("https://x/y?z=1&key=a&")
