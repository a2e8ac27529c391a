"""Files that a text names, by what it holds (a data URI or base64) or by where they are (a URL): into the spool.

Facts: contract, endpoints.md section 6.
"""

import base64
import binascii
import io
import mimetypes
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from warest.errors import InvalidInput
from warest.fetch import Fetcher
from warest.file_headers import clean_name
from warest.media import rules
from warest.media.options import Kind
from warest.spool import ON_ITS_WAY, Spool

_URL = re.compile(r"https?://", re.IGNORECASE)

_DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,", re.IGNORECASE)

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


@dataclass(frozen=True)
class Upload:
    """A file in the spool. `mimetype` is what its sender said, or empty; so is `name`."""

    key: str
    name: str
    mimetype: str


@dataclass(frozen=True, kw_only=True)
class SpooledFile:
    """A file in the spool. `mimetype` is what was declared, else what its name says, else what it is."""

    key: str
    name: str
    mimetype: str
    head: bytes
    checksum: str
    size: int

    @property
    def shown_as(self) -> Kind | None:
        """Picture or video; None: phones would not show it as either."""
        essence, _, _ = self.mimetype.partition("/")
        if self.mimetype == "image/gif" or essence not in ("image", "video"):
            return None
        return "image" if essence == "image" else "video"


class Sources:
    """Gets files into the spool, wherever they are; from there on they are the caller's to delete."""

    def __init__(self, spool: Spool, fetcher: Fetcher) -> None:
        self._spool = spool
        self._fetcher = fetcher

    def named(self, text: str, limit: int) -> Upload | None:
        """The file that a text names, `limit` bytes at most; None: it names none.

        Raises InvalidInput when it is too large (`details["limit"]`), and FetchError of a URL.
        """
        limit = min(limit, self._spool.limit)
        return self._fetched(text.strip(), limit) if is_url(text) else self._held(text, limit)

    def given(self, data: bytes, limit: int, mimetype: str = "") -> Upload:
        """What a caller has sent as numbers."""
        return Upload(self._spool.put(io.BytesIO(data), seconds=ON_ITS_WAY, limit=limit), "", mimetype)

    def spooled(self, upload: Upload, name: str = "") -> SpooledFile:
        """What is known of it; `name` replaces its own."""
        name = clean_name(name or upload.name)
        with self._spool.open(upload.key) as opened:  # not a part of it: an empty file has none
            head, stored = next(iter(opened), b"")[: rules.HEAD], opened.stored
        mimetype = _type_of(upload.mimetype, name, head)
        return SpooledFile(
            key=upload.key, name=name, mimetype=mimetype, head=head, checksum=stored.checksum, size=stored.size
        )

    def delete(self, key: str) -> None:
        self._spool.delete(key)

    def _fetched(self, url: str, limit: int) -> Upload:
        with self._fetcher.open(url, limit=limit) as found:
            return Upload(self._spool.put(found, seconds=ON_ITS_WAY), found.file_name, found.mime_type)

    def _held(self, text: str, limit: int) -> Upload | None:
        if found := of_data_uri(text):
            mimetype, content = found
            return self.given(content, limit, mimetype)
        data = _decoded(text.removeprefix("base64,")) if _looks_like_base64(text) else None
        return self.given(data, limit) if data else None


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


def _type_of(declared: str, name: str, head: bytes) -> str:
    if declared and declared != rules.UNKNOWN:
        return declared
    return mimetypes.guess_type(name)[0] or rules.sniffed(head) or rules.UNKNOWN
