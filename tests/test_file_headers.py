"""Names and types of files, out of headers and into them."""

import random
import re
from urllib.parse import unquote

import pytest

from warest import file_headers


@pytest.mark.parametrize(
    ("disposition", "path", "name"),
    [
        ('attachment; filename="plan.pdf"', "/x", "plan.pdf"),
        ("attachment; filename=plan.pdf", "/x", "plan.pdf"),
        ("attachment; filename*=UTF-8''%E2%82%AC%20rates.pdf", "/x", "\u20ac rates.pdf"),
        ("attachment; filename*=UTF-8''good.pdf; filename=\"bad.pdf\"", "/x", "good.pdf"),
        ("attachment; filename=\"bad.pdf\"; filename*=UTF-8''good.pdf", "/x", "good.pdf"),
        ("attachment; filename*=nonsense''good.pdf", "/x", "good.pdf"),
        ('inline; filename="../../etc/passwd"', "/x", "passwd"),
        ('inline; filename="C:\\\\Users\\\\me\\\\plan.pdf"', "/x", "plan.pdf"),
        ('inline; filename=".."', "/x/photo.jpg", "photo.jpg"),
        ('inline; filename=""', "/x/photo.jpg", "photo.jpg"),
        ("inline", "/x/photo of me.jpg", "photo of me.jpg"),
        ("", "/x/", "x"),
        ("", "/", ""),
        ("", "/../passwd", "passwd"),
        ("", "/invoice\u202egpj.exe", "invoicegpj.exe"),
        ("", "/a\0b\r\nc.txt", "abc.txt"),
        ("", "/" + "x" * 300 + ".jpeg", "x" * 195 + ".jpeg"),
        ("", "/x." + "y" * 300, "x." + "y" * 198),
    ],
)
def test_file_names(disposition: str, path: str, name: str) -> None:
    """By the host, else by the path; a name, never a way."""
    assert file_headers.file_name(disposition, path) == name


def test_any_file_name() -> None:
    """Is one that can be shown and put into a header."""
    chance = random.Random(5)
    for _ in range(3000):
        bits = [
            "filename",
            "*",
            "=",
            '"',
            "'",
            ";",
            "utf-8''",
            "%ff",
            "\\",
            "/",
            "..",
            "\u202e",
            "\x7f",
            "\udc80",
            "\u00e4",
            "0",
        ]
        text = "attachment;" + "".join(chance.choices(bits, k=chance.randint(1, 12)))
        name = file_headers.file_name(text, "/")
        assert name.isprintable() and len(name) <= file_headers.NAME_MAX and not set("/\\") & set(name)
        assert name.strip(" .") == name
        name.encode()


@pytest.mark.parametrize(
    ("header", "kind"),
    [("image/png", "image/png"), ("Audio/OGG; codecs=opus", "audio/ogg"), ("", ""), ("nonsense", ""), ("a/b/c", ""),
     ("text/html\x00", ""), ("image/svg+xml ;x", "image/svg+xml"), ("text/" + "x" * 200, "")],
)  # fmt: skip
def test_media_types(header: str, kind: str) -> None:
    assert file_headers.media_type(header) == kind


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("image/png", "image/png"),
        ("audio/ogg; codecs=opus", "audio/ogg; codecs=opus"),
        ('video/mp4; codecs="avc1.42E01E, mp4a.40.2"', 'video/mp4; codecs="avc1.42E01E, mp4a.40.2"'),
        ("Text/HTML; charset=utf-8", "text/html; charset=utf-8"),
        ("text/html; x=\r\nSet-Cookie: a=b", "text/html"),
        ("text/html\r\nX: y", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_types_that_are_sent(kind: str, sent: str) -> None:
    """What a stranger has said of his file does not become a header of ours."""
    assert file_headers.content_type(kind) == sent


@pytest.mark.parametrize(
    ("kind", "name", "download", "sent"),
    [
        ("image/png", "", False, "inline"),
        ("image/png", "a.png", False, "inline; filename=\"a.png\"; filename*=UTF-8''a.png"),
        ("image/png", "a.png", True, "attachment; filename=\"a.png\"; filename*=UTF-8''a.png"),
        ("text/html", "", False, "attachment"),
        ("image/svg+xml", "", False, "attachment"),
        ("IMAGE/SVG+XML", "", False, "attachment"),
        ("application/pdf", "", False, "attachment"),
        ("application/xhtml+xml", "", False, "attachment"),
        ("text/plain", "", False, "inline"),
        ("text/plainer", "", False, "attachment"),
        ("nonsense", "", False, "attachment"),
        ("x/y", '\u20ac "5%".txt', True,
         "attachment; filename=\"_ _5__.txt\"; filename*=UTF-8''%E2%82%AC%20%225%25%22.txt"),
        ("x/y", "a\r\nSet-Cookie: b=c", True,
         "attachment; filename=\"aSet-Cookie: b=c\"; filename*=UTF-8''aSet-Cookie%3A%20b%3Dc"),
        ("x/y", "../../etc/passwd", True, "attachment; filename=\"passwd\"; filename*=UTF-8''passwd"),
    ],
)  # fmt: skip
def test_dispositions(kind: str, name: str, download: bool, sent: str) -> None:
    """Shown only what is harmless; the name in both forms."""
    assert file_headers.disposition(kind, name, download=download) == sent


def test_any_disposition_is_read_as_it_was_written() -> None:
    """By our own reader, and by one that knows the second form only; in both it is the name, and there is no third."""
    chance = random.Random(6)
    for _ in range(2000):
        name = file_headers.clean_name("".join(chance.choices("a\"\\%;=\u00e4\u4e2d.' *\r\n/", k=8)))
        sent = file_headers.disposition("x/y", name, download=True)
        assert sent.isascii() and sent.isprintable()
        if name:
            assert file_headers.file_name(sent, "") == name
            plain, extended = re.fullmatch(
                r"attachment; filename=\"([^\"\\]+)\"; filename\*=UTF-8''(\S+)", sent
            ).groups()  # type: ignore[union-attr]
            assert (len(plain), unquote(extended)) == (len(name), name)
