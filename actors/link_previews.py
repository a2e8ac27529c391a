"""What is shown of the page that a text links to: its title, what it says of itself, and a small picture.

The page is fetched here, by the one fetcher, and never by the engine, which would follow a link to wherever it leads
and wait without end. What cannot be had in time is left out: the text goes out all the same.
"""

import base64
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from warest import pages
from warest.errors import FetchError, InvalidInput, Unsupported
from warest.media.options import Compression
from warest.proxies import Proxy

if TYPE_CHECKING:
    from warest.fetch import Fetcher

log = logging.getLogger(__name__)

#: How long the page, and then its picture, may take, s: whoever sends waits for both.
PATIENCE = 6.0

#: Bytes of a page that are read, of one that is read at all, and of a picture.
_READ, _LARGEST_PAGE, _LARGEST_PICTURE = 512 * 1024, 50_000_000, 5_000_000


class LinkPreviews:
    def __init__(self, fetcher: "Fetcher") -> None:
        self._fetcher = fetcher

    def of(self, url: str, proxy: Proxy | None = None) -> dict[str, str]:
        """As SendText has it, seen through the proxy of a session; empty: there is nothing to be shown."""
        try:
            page = self._page(url, proxy)
        except (FetchError, InvalidInput) as error:
            log.info("no preview of a page at %s: %s", urlsplit(url).hostname, error.message)
            return {}
        except Exception:
            log.exception("a page that nobody can read")  # a stranger's: whatever it is, the text goes out
            return {}
        told = {"title": page.title, "description": page.description, "thumbnail": self._thumbnail(page.image, proxy)}
        return {name: value for name, value in told.items() if value}

    def _page(self, url: str, proxy: Proxy | None) -> pages.Page:
        with self._fetcher.open(url, limit=_LARGEST_PAGE, proxy=proxy) as found:
            if found.mime_type not in ("text/html", "application/xhtml+xml"):
                return pages.Page("", "", "")
            content = b""
            for piece in found:
                content += piece
                if len(content) >= _READ:
                    break
        return pages.described(content[:_READ], url)

    def _thumbnail(self, image: str, proxy: Proxy | None) -> str:
        """In base64; empty: there is none, or none that can be read."""
        if not image:
            return ""
        try:
            with tempfile.TemporaryDirectory(prefix="warest-preview-") as folder:
                return base64.b64encode(self._small(image, Path(folder), proxy)).decode()
        except (FetchError, InvalidInput, Unsupported) as error:
            log.info("no picture for a preview from %s: %s", urlsplit(image).hostname, error.message)
            return ""

    def _small(self, image: str, folder: Path, proxy: Proxy | None) -> bytes:
        from warest.media.prepare import prepare  # only here: the supervisor should not pay for Pillow

        source, room = folder / "source", folder / "made"
        room.mkdir()
        with self._fetcher.open(image, limit=_LARGEST_PICTURE, proxy=proxy) as found, source.open("wb") as file:
            file.writelines(found)
            mimetype = found.mime_type
        return prepare("document", source, mimetype, room, Compression()).thumbnail
