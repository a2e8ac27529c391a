"""URLs that users give, as they go over the wire."""

import base64

import httpx

from warest.errors import InvalidInput


def parsed(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """One that can be called; what stands behind `base` may be relative to it. Raises InvalidInput."""
    try:
        url = base.join(text) if base else httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidInput(f"not a URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 65536:
        raise InvalidInput("a URL has to look like https://HOST/PATH")
    return url


def basic(url: httpx.URL) -> bytes:
    """The credentials in it, as a header has them."""
    return b"Basic " + base64.b64encode(f"{url.username}:{url.password}".encode())


def decoded(value: bytes) -> str:
    """A header's value, whoever has written it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def encoded(value: str) -> bytes:
    """A header's value as Node writes it: Latin-1, where that is enough."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
