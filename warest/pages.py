"""What a web page says of itself, for those who link to it. Pure; the page is a stranger's."""

import codecs
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

#: Characters of what is kept.
TITLE_MAX, DESCRIPTION_MAX = 200, 500

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)

#: What a page says, and by which names: the first that it uses counts.
_TITLES = ("og:title", "twitter:title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description")
_IMAGES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image")


@dataclass(frozen=True, slots=True)
class Page:
    """Any of it may be empty. `image` is a URL."""

    title: str
    description: str
    image: str


def described(content: bytes, url: str) -> Page:
    """`content` may be the beginning of the page, `url` is where it was found."""
    parser = _Head()
    parser.feed(_decoded(content))
    title = parser.first(_TITLES) or parser.title
    image = parser.first(_IMAGES)
    return Page(
        title=_line(title, TITLE_MAX),
        description=_line(parser.first(_DESCRIPTIONS), DESCRIPTION_MAX),
        image=_joined(url, image) if image else "",
    )


class _Head(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self._said: dict[str, str] = {}
        self._in_title = False

    def first(self, names: tuple[str, ...]) -> str:
        return next((said for name in names if (said := self._said.get(name, ""))), "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title" and not self.title
        if tag == "meta" and (name := (given.get("property") or given.get("name", "")).lower()):
            self._said.setdefault(name, given.get("content", "").strip())

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def _decoded(content: bytes) -> str:
    name = found[1].decode() if (found := _CHARSET.search(content[:4096])) else "utf-8"
    try:
        if not codecs.lookup(name)._is_text_encoding:
            name = "utf-8"
    except LookupError:
        name = "utf-8"
    return content.decode(name, errors="replace")


def _joined(url: str, image: str) -> str:
    try:
        return urljoin(url, image)
    except ValueError:
        return ""


def _line(text: str, most: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"
