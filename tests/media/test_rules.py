"""What a file is by its first bytes, and what is refused."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from warest.media.rules import HEAD, contradiction_of, extension_of, refusal_of, sniffed

MADE = {
    "clip.mp4": "video/mp4", "clip.webm": "video/webm", "clip.mkv": "video/x-matroska", "clip.mov": "video/quicktime",
    "clip.avi": "video/x-msvideo", "clip.flv": "video/x-flv", "clip.wmv": "video/x-ms-asf", "clip.mpg": "video/mpeg",
    "clip.ts": "video/mp2t", "clip.3gp": "video/3gpp", "clip.ogv": "video/ogg", "moving.gif": "image/gif",
    "tone.wav": "audio/wav", "tone.mp3": "audio/mpeg", "tone.m4a": "audio/mp4", "tone.ogg": "audio/ogg; codecs=opus",
    "tone.flac": "audio/flac", "tone.aac": "audio/aac", "tone.amr": "audio/amr",
}  # fmt: skip


@pytest.mark.parametrize(("name", "mimetype"), MADE.items())
def test_what_ffmpeg_makes(sample: Callable[[str], Path], name: str, mimetype: str) -> None:
    """Real files, not our own idea of them."""
    assert sniffed(sample(name).read_bytes()[:HEAD]) == mimetype


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_what_pillow_makes(form: str) -> None:
    """The same for pictures."""
    held = io.BytesIO()
    Image.new("RGB", (8, 8)).save(held, form)
    assert sniffed(held.getvalue()[:HEAD]) == f"image/{form.lower()}"


@pytest.mark.parametrize(
    ("head", "mimetype"),
    [
        (b"", ""),
        (b"hello", ""),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04....", "application/zip"),
        (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"#!/bin/sh\n", "text/x-shellscript"),
        (b"#!AMR\n", "audio/amr"),
        (b"#EXTM3U\n", "application/vnd.apple.mpegurl"),
        (b"ffconcat version 1.0\n", "text/x-ffconcat"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html>", "text/html"),
        (b"<?xml version='1.0'?><svg xmlns='x'>", "image/svg+xml"),
        (b"<MPD xmlns='x'>", "text/html"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftyp3gp5", "video/3gpp"),
        (b"RIFF\0\0\0\0nope", ""),
        (b"12345678WEBP", ""),
        (b"\xff\xff\xff\xff", ""),
    ],
)
def test_what_else_there_is(head: bytes, mimetype: str) -> None:
    """By hand, since nobody here makes them."""
    assert sniffed(head) == mimetype


@pytest.mark.parametrize("mimetype", ["image/png", "video/mp4; codecs=x", "AUDIO/mpeg"])
@pytest.mark.parametrize("head", [b"<html>", b"MZ", b"\x7fELF", b"#!/bin/sh", b"#EXTM3U", b"<svg "])
def test_a_program_or_a_page_is_no_media(mimetype: str, head: bytes) -> None:
    """Whatever it is declared as; and the answer says what it is."""
    assert sniffed(head) in str(contradiction_of(mimetype, head))


@pytest.mark.parametrize(
    ("mimetype", "head"),
    [("image/png", b"\xff\xd8\xff"), ("image/png", b"hello"), ("text/html", b"<html>"), ("", b"MZ")],
)
def test_no_contradiction(mimetype: str, head: bytes) -> None:
    """A picture of another kind is still one, and unknown bytes are judged by whoever reads them."""
    assert contradiction_of(mimetype, head) is None


def test_refusals() -> None:
    """By extension, declared type and first bytes."""
    assert refusal_of("a.EXE", "text/plain", b"") == "Files with the extension .exe are not sent"
    assert refusal_of("a", "application/x-sh", b"") == "Files of the type application/x-sh are not sent"
    assert refusal_of("a.txt", "text/plain", b"MZ") == "Programs are not sent"
    assert refusal_of("a.txt", "text/plain", b"hello") is None
    assert extension_of("a\\b.TAR.gz") == "gz" and extension_of("none") == ""


def test_rules_and_options_load_no_pillow() -> None:
    """Web and session processes import them, and each of those would take 10 MB more."""
    code = (
        "import sys, warest.media, warest.media.rules, warest.media.options, warest.config.settings\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('PIL', 'imageio_ffmpeg')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
