"""Files that a parameter names: by what it holds, a data URI or base64, or by where they are, a URL.

Facts: contract, endpoints.md section 6.
"""

import base64
import binascii
import io
import re
from urllib.parse import unquote_to_bytes

import falcon

from warest.config.settings import Settings
from warest.errors import InvalidInput
from warest.fetch import Fetcher
from warest.http.uploads import FileInput, Upload, handed_on, refused_when_too_large
from warest.spool import ON_ITS_WAY, Spool

_URL = re.compile(r"https?://", re.IGNORECASE)

_DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,", re.IGNORECASE)

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


class Sources:
    """Gets a request's file into the spool, wherever it is."""

    def __init__(self, settings: Settings, spool: Spool, fetcher: Fetcher) -> None:
        self._settings = settings
        self._spool = spool
        self._fetcher = fetcher

    def take(self, request: falcon.Request, text: str, wanted: FileInput) -> Upload | None:
        """The file that came with the request, else the one that `text` names; from here on its caller's to delete.

        None: there is none. Raises Refusal when it is too large, InvalidInput and FetchError of a URL.
        """
        if uploads := handed_on(request):
            return uploads[0]
        return self.named(text, wanted)

    def named(self, text: str, wanted: FileInput) -> Upload | None:
        """The file that a text names, as `take` does."""
        limit = min(wanted.limit(self._settings), self._spool.limit)
        with refused_when_too_large(wanted):
            return self._fetched(text.strip(), limit) if is_url(text) else self._held(text, limit)

    def given(self, data: bytes, wanted: FileInput) -> Upload:
        """What a caller has sent as numbers."""
        with refused_when_too_large(wanted):
            return self._kept(data, "", min(wanted.limit(self._settings), self._spool.limit))

    def _fetched(self, url: str, limit: int) -> Upload:
        with self._fetcher.open(url, limit=limit) as found:
            return Upload(self._spool.put(found, seconds=ON_ITS_WAY), found.file_name, found.mime_type)

    def _held(self, text: str, limit: int) -> Upload | None:
        if found := of_data_uri(text):
            mimetype, content = found
            return self._kept(content, mimetype, limit)
        data = _decoded(text.removeprefix("base64,")) if _looks_like_base64(text) else None
        return self._kept(data, "", limit) if data else None

    def _kept(self, data: bytes, mimetype: str, limit: int) -> Upload:
        return Upload(self._spool.put(io.BytesIO(data), seconds=ON_ITS_WAY, limit=limit), "", mimetype)


def is_url(text: str) -> bool:
    return bool(_URL.match(text.strip()))


def of_data_uri(text: str) -> tuple[str, bytes] | None:
    """Its type and what it holds; None: it is no data URI. Raises InvalidInput when it is not what it says."""
    if not (found := _DATA_URI.match(text)):
        return None
    mimetype, _, is_base64 = found.groups()
    content = text[found.end() :]
    data = _decoded(content) if is_base64 else unquote_to_bytes(content)
    if data is None:
        raise InvalidInput("the data URI is not base64")
    return mimetype.lower(), data


def _looks_like_base64(text: str) -> bool:
    """As the original decides: long, or with something in it that a word does not have."""
    plain = text.removeprefix("base64,")
    return bool(_BASE64.fullmatch(plain)) and (len(plain) >= 16 or bool(re.search(r"[0-9+=_-]", plain)))


def _decoded(text: str) -> bytes | None:
    """URL-safe or not, padded or not."""
    compact = re.sub(r"\s", "", text).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
