"""What a page says of itself."""

import pytest

from warest.pages import Page, described

URL = "https://example.com/a/b.html"

HEAD = b"""<!doctype html><html><head><meta charset="utf-8"><title>Plain
 title</title><meta name="description" content="plain"><meta property="og:title" content="A &amp; B">
<meta property="og:description" content="said"><meta property="og:image" content="/i.jpg"></head>"""


def test_what_it_says_to_those_who_link_to_it() -> None:
    assert described(HEAD, URL) == Page("A & B", "said", "https://example.com/i.jpg")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (b"<title>Plain\n title</title><meta name=description content=plain>", Page("Plain title", "plain", "")),
        (b"<TITLE>a</TITLE><title>b</title><body><title>c</title>", Page("a", "", "")),
        (b"<meta property='og:image' content='http://[x/'>", Page("", "", "")),
        (b"<meta property='og:image' content='c.png'>", Page("", "", "https://example.com/a/c.png")),
        (b'<meta charset="latin-1"><title>\xe4</title>', Page("ä", "", "")),
        (b'<meta charset="base64"><title>\xe4</title>', Page("\ufffd", "", "")),
        (b'<meta charset="no-such"><title>a</title>', Page("a", "", "")),
        (b"<title>cut of", Page("cut of", "", "")),
        (b"\x00\xff<![if<!--<meta", Page("", "", "")),
        (b"", Page("", "", "")),
    ],
)
def test_others(page: bytes, told: Page) -> None:
    """Without such words, of an odd encoding, or of no kind at all."""
    assert described(page, URL) == told


def test_long_words_end() -> None:
    page = described(b"<title>" + b"x " * 5000 + b"</title>", URL)
    assert len(page.title) <= 200 and page.title.endswith("x…")
