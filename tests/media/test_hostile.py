"""Files that are meant to hurt: each is refused, or what comes out is harmless.

While each is worked on, memory is watched, a server at 127.0.0.1 waits for connections that must not come, and a file
lies there whose content must not appear anywhere.
"""

import io
import resource
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from PIL import Image

from support import hostile_files as bad
from support.hostile_files import EVIL, PAGE, PROGRAM
from warest.errors import InvalidInput
from warest.media.editing import edited, thumbnails
from warest.media.options import Compression, ImageOptions, Kind, Tools
from warest.media.prepare import prepare

Sample = Callable[[str], Path]

KINDS: tuple[Kind, ...] = get_args(Kind)

TOOLS = Tools(seconds=20, memory_mb=1024, output_mb=8)
OPTIONS = (Compression(), Compression(enabled=False, image=ImageOptions(allow_webp=True)))

#: What one file may add to the memory of this process at most, MB: 64 million pixels are 256 MB, and they are copied.
MEMORY = 700

MANY, MANY_FRAMES = "too many pixels", "too many frames"
DAMAGED = "damaged or cut off"
NO_PICTURE = "not a picture"

LAUGHS = b"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a '" + b"&b;" * 999 + b"'>]><svg>&a;</svg>"

#: 20 MB in 20 KB.
PACKED = zlib.compress(bytes(2 * 10**7))

#: Name, what it is declared as, its content, and what the refusal says. All are sent as pictures.
REFUSED: list[tuple[str, str, bytes, str]] = [
    ("html as png", "image/png", PAGE, "it is text/html"),
    ("program as jpeg", "image/jpeg", PROGRAM, "portable-executable"),
    ("elf as webp", "image/webp", b"\x7fELF\x02\x01\x01" + EVIL, "x-executable"),
    ("script as gif", "image/gif", b"#!/bin/sh\necho EVIL\n", "shellscript"),
    ("php as gif", "image/gif", b"<?php EVIL(); ?>", NO_PICTURE),
    ("svg as png", "image/png", b"<svg xmlns='x' onload='EVIL()'/>", "svg"),
    ("svg with laughs", "image/png", LAUGHS, "it is text/html"),
    ("svg as itself", "image/svg+xml", b"<svg/>", NO_PICTURE),
    ("zip as webp", "image/webp", b"PK\x03\x04" + EVIL, NO_PICTURE),
    ("pdf and zip", "image/png", b"%PDF-1.4\n" + EVIL + b"PK\x03\x04", NO_PICTURE),
    ("postscript", "image/png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nEVIL", NO_PICTURE),
    ("photoshop", "image/png", b"8BPS\0\1" + bytes(40), NO_PICTURE),
    ("icon", "image/png", b"\0\0\1\0\xff\xff" + bytes(40), NO_PICTURE),
    ("nothing", "image/png", b"", "empty"),
    ("one byte", "image/png", b"\x89", NO_PICTURE),
    ("zeros", "image/jpeg", bytes(4096), NO_PICTURE),
    ("ones", "image/jpeg", b"\xff" * 4096, "."),
    ("words", "image/gif", b"GIF89a", "cut off"),
    ("png of 50000x50000", "image/png", bad.png(width=50_000, height=50_000, data=bytes(99)), MANY),
    ("png of 4 billion squared", "image/png", bad.png(width=2**31 - 1, height=2**31 - 1, data=b""), "."),
    ("png of 0x0", "image/png", bad.png(width=0, height=0, data=b""), "."),
    ("png that ends early", "image/png", bad.png(width=7999, height=8000, depth=1, data=bytes(99)), DAMAGED),
    ("png with words of 80 MB", "image/png", bad.png(*[bad.png_chunk(b"tEXt", b"a\0" + bytes(10**6))] * 80), DAMAGED),
    ("png with words of 20 MB in little", "image/png", bad.png(bad.png_chunk(b"zTXt", b"a\0\0" + PACKED)), DAMAGED),
    ("png with a broken header", "image/png", b"\x89PNG\r\n\x1a\n" + bad.png_chunk(b"IHDR", b"1"), DAMAGED),
    ("png with a long chunk", "image/png", bad.png()[:33] + b"\xff\xff\xff\xffIDAT", DAMAGED),
    ("gif with a huge screen", "image/gif", bad.gif(65535, 65535), MANY),
    ("gif that outgrows its screen", "image/gif", bad.gif(1, 1, frame=(65535, 65535)), MANY),
    ("gif of 5000 frames", "image/gif", bad.gif(1, 1, 5000), MANY_FRAMES),
    ("gif of 200000 frames", "image/gif", bad.gif(1, 1, 200_000), MANY_FRAMES),
    ("gif of large frames", "image/gif", bad.gif(8000, 7000, 20), MANY_FRAMES),
    ("gif without frames", "image/gif", bad.gif(8, 8, 0), DAMAGED),
    ("gif of unknown blocks", "image/gif", bad.gif(8, 8, extra=b"\x77\x77"), "damaged"),
    ("webp of 2000 frames", "image/webp", bad.webp_frames(2000, 10), MANY_FRAMES),
    ("webp with a huge canvas", "image/webp", bad.webp_canvas(16384), MANY),
    ("webp with an impossible canvas", "image/webp", bad.webp_canvas(2**24), MANY),
    ("webp that is huge", "image/webp", bad.webp_lossless_head(16384), MANY),
    ("webp that is nothing but a header", "image/webp", bad.webp_lossless_head(3000), DAMAGED),
    ("webp of a wrong size", "image/webp", bad.riff((b"VP8L", bytes(9)), size=2**32 - 1), "."),
    ("webp with a long chunk", "image/webp", bad.riff()[:12] + b"VP8X\xff\xff\xff\xff", "."),
    ("webp of nothing", "image/webp", bad.riff(), "damaged"),
    ("tiff of 60000x60000", "image/tiff", bad.tiff(width=60_000, height=60_000), MANY),
    ("tiff of huge strips", "image/tiff", bad.tiff(width=4000, height=4000, size=2**32 - 1), DAMAGED),
    ("tiff that is packed wrongly", "image/tiff", bad.tiff(compression=8), DAMAGED),
    ("tiff packed unheard-of", "image/tiff", bad.tiff(compression=60_000), DAMAGED),
    ("tiff whose strip is a bomb", "image/tiff", bad.tiff(compression=8, width=9000, height=9000, data=PACKED), MANY),
    ("tiff that is nothing but loops", "image/tiff", bad.LOOP, DAMAGED),
    ("bmp of 60000x60000", "image/bmp", bad.bmp(60_000, 60_000), MANY),
    ("bmp of -1x-1", "image/bmp", bad.bmp(-1, -1), "."),
    ("bmp packed of nothing", "image/bmp", bad.bmp(7000, 7000, 8, 1), DAMAGED),
    ("jpeg of 65535x65535", "image/jpeg", bad.jpeg_of_size(65535, 65535), MANY),
    ("jpeg of 8000x8000 that ends early", "image/jpeg", bad.jpeg_of_size(8000, 7999)[:600], DAMAGED),
    ("jpeg of 3000 scans", "image/jpeg", bad.jpeg_of_scans(3000), "too many scans"),
    ("jpeg without an end", "image/jpeg", bad.picture("JPEG")[:-2], DAMAGED),
    ("jpeg of segments without length", "image/jpeg", b"\xff\xd8" + b"\xff\xe1\0\0" * 5000, DAMAGED),
    ("png with a profile of 20 MB", "image/png", bad.png(bad.png_chunk(b"iCCP", b"a\0\0" + PACKED)), DAMAGED),
    ("avif of nothing", "image/avif", b"\0\0\0\x18ftypavif" + bytes(90), DAMAGED),
    ("heic", "image/heic", b"\0\0\0\x18ftypheic" + bytes(90), NO_PICTURE),
]  # fmt: skip

#: Pictures that are pictures, and something else besides: the picture is sent without it.
CLEANED: dict[str, bytes] = {
    "jpeg and page": bad.jpeg(behind=PAGE),
    "jpeg and program": bad.jpeg(behind=PROGRAM),
    "jpeg with a page as comment": bad.jpeg((0xFE, PAGE)),
    "jpeg with a script as xmp": bad.jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PAGE)),
    "jpeg with a script in exif": bad.jpeg(bad.exif(b"II*\0\x08\0\0\0\0\0" + PAGE)),
    "jpeg with a preview": bad.jpeg((0xE0, b"JFXX\0\x10" + bad.picture("JPEG") + PAGE)),
    "jpeg with a loop in exif": bad.jpeg(bad.exif(bad.LOOP), (0xFE, EVIL)),
    "jpeg with exif that lies": bad.jpeg(bad.exif(b"II*\0\xff\xff\xff\xff" + EVIL)),
    "jpeg with a profile of 13 MB": bad.jpeg(
        *[(0xE2, b"ICC_PROFILE\0" + bytes([at, 200]) + EVIL + bytes(65_000)) for at in range(1, 201)], quality=95
    ),
    "jpeg with many comments": bad.jpeg(*[(0xFE, EVIL)] * 20_000),
    "jpeg with two pictures": bad.jpeg(behind=bad.picture("JPEG") + EVIL),
    "png and program": bad.png() + PROGRAM,
    "png and zip": bad.png() + b"PK\x03\x04" + EVIL,
    "png with words": bad.png(bad.png_chunk(b"tEXt", b"Comment\0" + PAGE)),
    "png with a zip in words": bad.png(bad.png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"PK" * 99) + EVIL)),
    "png with exif": bad.png(bad.png_chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0" + PAGE)),
    "png with a chunk of its own": bad.png(bad.png_chunk(b"evIL", PAGE)),
    "png of 100 MB of nothing": bad.png(data=bytes(10**8)) + EVIL,
    "png that says it has 100000 frames": bad.png(bad.png_chunk(b"acTL", struct.pack(">II", 100_000, 0))),
    "gif and script": bad.gif(10799, 4, extra=b"!\xfe\x0a*/=EVIL();\0") + b"/*" + PAGE,
    "webp and page": bad.picture("WEBP") + PAGE,
    "webp with a chunk of its own": bad.webp_canvas(16, (b"EVIL", PAGE)),
    "bmp and script": bad.picture("BMP") + PAGE,
    "tiff with an entry of 4 GB": bad.tiff((700, 1, 2**32 - 1, 8)) + EVIL,
    "tiff with many entries of 16 GB": bad.tiff(*[(60_000 + at, 12, 2**31, 8) for at in range(2000)]) + EVIL,
    "tiff that comes back to itself": bad.tiff(following=8) + EVIL,
}  # fmt: skip


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(autouse=True)
def fence(listener: socket.socket) -> Iterator[None]:
    """Memory is bounded, and nobody has connected."""
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    yield
    assert peak() - before < MEMORY
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1024 * 1024
    with pytest.raises(BlockingIOError):
        listener.accept()


def peak() -> int:
    """Most memory so far, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def written(folder: Path, content: bytes) -> Path:
    (folder / "file").write_bytes(content)
    return folder / "file"


def every_way(source: Path, mimetype: str, out: Path) -> list[Path]:
    """What comes out of whatever can be done to a file; the only error that any of it may raise is InvalidInput."""
    ways: list[Callable[[], Any]] = [
        *(lambda kind=kind, options=options: [prepare(kind, source, mimetype, out, options, TOOLS)]
          for kind in KINDS if kind != "document" for options in OPTIONS),
        lambda: [edited(source, {}, out)],
        lambda: thumbnails("image", source, 64, 64, 1, out),
        lambda: thumbnails("video", source, 64, 64, 2, out),
    ]  # fmt: skip
    found = []
    for number, way in enumerate(ways):
        try:
            made = way()
        except InvalidInput:
            continue
        found += [each.path if each.path == source else each.path.rename(out / f"result-{number}") for each in made]
    return found


@pytest.mark.parametrize(
    ("mimetype", "content", "reason"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_refused(tmp_path: Path, out: Path, mimetype: str, content: bytes, reason: str) -> None:
    """With a reason; and no other way leads to anything either, as far as it is not decoded at all."""
    source = written(tmp_path, content)
    for options in OPTIONS:
        with pytest.raises(InvalidInput, match=reason):
            prepare("image", source, mimetype, out, options, TOOLS)
    assert not any(EVIL in path.read_bytes() for path in every_way(source, mimetype, out))


@pytest.mark.parametrize("content", CLEANED.values(), ids=CLEANED)
def test_cleaned(tmp_path: Path, out: Path, content: bytes) -> None:
    """The picture is there, and nothing else: also where its pixels are not touched."""
    source = written(tmp_path, content)
    found = every_way(source, "", out)
    assert len(found) >= 5
    for path in found:
        assert EVIL not in path.read_bytes()
        if path.name != "file":
            with Image.open(path) as image:
                image.load()


@pytest.mark.parametrize("name", ["html", "program", "list"])
@pytest.mark.parametrize("kind", KINDS)
def test_declared_as_something_else(tmp_path: Path, out: Path, kind: Kind, name: str) -> None:
    """Also a document is not sent as a picture that it is not."""
    source = written(tmp_path, {"html": PAGE, "program": PROGRAM, "list": b"#EXTM3U\nEVIL"}[name])
    for mimetype in ("image/png", "video/mp4", "audio/ogg"):
        with pytest.raises(InvalidInput, match="declared as"):
            prepare(kind, source, mimetype, out, Compression(), TOOLS)


@pytest.mark.parametrize("called", ["file.mp4", "file.m3u8"])
@pytest.mark.parametrize("name", bad.playlists("http://127.0.0.1:1", "/x"))
def test_lists_of_other_files(
    tmp_path: Path, out: Path, listener: socket.socket, sample: Sample, name: str, called: str
) -> None:
    """Whatever they are called and however they begin: nothing is read, nobody is called."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(sample("clip.mp4").read_bytes())
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    source = tmp_path / called
    source.write_bytes(bad.playlists(url, str(secret))[name])
    assert every_way(source, "", out) == []


@pytest.mark.parametrize("url", ["file://{secret}", "http://127.0.0.1:{port}/x"])
@pytest.mark.parametrize("name", ["silent.mp4", "clip.mov"])
def test_an_mp4_whose_data_is_elsewhere(
    tmp_path: Path, out: Path, listener: socket.socket, sample: Sample, name: str, url: str
) -> None:
    """ffmpeg reads it from the file itself, or not at all."""
    secret = tmp_path / "secret"
    secret.write_bytes(EVIL * 10_000)
    told = url.format(secret=secret, port=listener.getsockname()[1]).encode()
    source = written(tmp_path, bad.mp4_of_elsewhere(sample(name).read_bytes(), told))
    assert told in source.read_bytes()
    assert not any(EVIL in path.read_bytes() or told in path.read_bytes() for path in every_way(source, "", out))


def of_length(seconds: int) -> Callable[[Sample], bytes]:
    return lambda sample: bad.mp4_of_length(sample("silent.mp4").read_bytes(), seconds)


def long_index(sample: Sample) -> bytes:
    return bad.avi_of_index(sample("clip.avi").read_bytes(), 2**32 - 16)


def with_front(name: str, front: bytes) -> Callable[[Sample], bytes]:
    return lambda sample: front + sample(name).read_bytes()


def part(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


FTYP = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2"

#: What ffmpeg reads: refused with this reason as a video, or as audio.
MOVING: dict[str, tuple[Kind, Callable[[Sample], bytes], str]] = {
    "mp4 of 100 years": ("video", of_length(3 * 10**9), "."),
    "mp4 of ten hours": ("video", of_length(36_000), "longer than 4 hours"),
    "mp4 of which a third is there": ("video", lambda sample: part(sample("long.mp4").read_bytes(), 0.3), "cut off"),
    "webm of 16383x16383": ("video", lambda sample: bad.webm_of_size(sample("clip.webm").read_bytes(), 16383), "."),
    "avi whose index is 4 GB": ("voice", long_index, "no sound"),
    "mp4 of nothing": ("video", lambda sample: b"\0\0\0\x18ftypisom" + bytes(99), "index is missing"),
    "mp4 of endless boxes": ("video", lambda sample: FTYP + b"\x7f\xff\xff\xffmoov" * 9999, "."),
    "mp4 of boxes without length": ("video", lambda sample: FTYP + b"\0\0\0\0moov" * 9999, "."),
    "deep matroska": ("video", lambda sample: bad.DEEP_MATROSKA, "."),
    "avi of nothing": ("video", lambda sample: b"RIFF\xff\xff\xff\xffAVI LIST" + b"\xff" * 999, "."),
    "flv of nothing": ("video", lambda sample: b"FLV\x01\x05" + bytes(999), "."),
    "asf of nothing": ("video", lambda sample: b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + b"\xff" * 999, "."),
    "transport stream of nothing": ("video", lambda sample: (b"G" + b"\xff" * 187) * 99, "."),
    "program stream of nothing": ("video", lambda sample: b"\0\0\x01\xba" + bytes(999), "."),
    "video behind a script": ("video", with_front("clip.mp4", b"#!/bin/sh\n"), "neither video nor audio"),
    "video behind words": ("video", with_front("clip.mp4", b"hello"), "neither video nor audio"),
    "gif of 30000x30000": ("gif", lambda sample: bad.gif(30_000, 30_000), MANY),
    "gif of 5000 frames": ("gif", lambda sample: bad.gif(1, 1, 5000), MANY_FRAMES),
    "wav of 65535 channels": ("voice", lambda sample: bad.wav(channels=65535), "."),
    "wav of no channels": ("voice", lambda sample: bad.wav(channels=0), "."),
    "wav of an unknown kind": ("voice", lambda sample: bad.wav(kind=0x7777), "."),
    "wav of no bits": ("voice", lambda sample: bad.wav(bits=0, kind=2), "."),
    "ogg of nothing": ("voice", lambda sample: b"OggS" + bytes(999), "."),
    "flac of nothing": ("voice", lambda sample: b"fLaC\x7f\xff\xff\xff" + b"\xff" * 999, "."),
    "amr of nothing": ("voice", lambda sample: b"#!AMR\n" + b"\xff" * 9, "."),
    "mp3 of nothing": ("voice", lambda sample: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(999), "."),
    "aac of nothing": ("voice", lambda sample: b"\xff\xf1" + bytes(999), "."),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "reason"), MOVING.values(), ids=MOVING)
def test_video_and_audio_that_is_none(
    tmp_path: Path, out: Path, sample: Sample, kind: Kind, content: Callable[[Sample], bytes], reason: str
) -> None:
    """With a reason, and in no more time than it may take."""
    source = written(tmp_path, content(sample))
    with pytest.raises(InvalidInput, match=reason):
        prepare(kind, source, "", out, Compression(), TOOLS)


@pytest.mark.parametrize(
    ("kind", "name", "behind"),
    [
        ("video", "clip.mp4", PAGE),
        ("video", "clip.webm", PROGRAM),
        ("gif", "moving.gif", PAGE),
        ("voice", "tone.ogg", PAGE),
        ("voice", "tone.wav", PROGRAM),
        ("voice", "tone.mp3", PAGE),
        ("sticker", "moving.gif", PAGE),
    ],
)
def test_what_hangs_behind_is_dropped(
    tmp_path: Path, out: Path, sample: Sample, kind: Kind, name: str, behind: bytes
) -> None:
    """Of video and audio too."""
    source = written(tmp_path, sample(name).read_bytes() + behind)
    for options in OPTIONS:
        assert EVIL not in prepare(kind, source, "", out, options, TOOLS).path.read_bytes()


def test_a_wav_that_says_it_is_endless(tmp_path: Path, out: Path) -> None:
    """It is as long as it is; and what else stands in it is dropped."""
    extra = b"LIST\x0c\0\0\0INFOICMTEVIL"
    source = written(tmp_path, bad.wav(size=2**32 - 1, extra=extra))
    made = prepare("voice", source, "", out, Compression(), TOOLS)
    assert made.seconds == 1 and EVIL not in made.path.read_bytes()


@pytest.mark.parametrize("count", [2, 50])
def test_frames_that_last_no_time(tmp_path: Path, out: Path, count: int) -> None:
    """They are shown for a tenth of a second each, as in browsers."""
    source = written(tmp_path, bad.webp_frames(count, 0))
    made = prepare("sticker", source, "", out, Compression(), TOOLS)
    with Image.open(made.path) as image:
        image.load()
        assert made.is_animated and image.info["duration"] >= 20


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["a.jpeg", "a.png", "a.webp", "a.gif", "a.tiff", "a.avif", "a.bmp"])
def test_pictures_that_are_cut_off(tmp_path: Path, out: Path, name: str, share: float) -> None:
    """None is sent half."""
    whole = bad.picture(name.partition(".")[2].upper())
    source = written(tmp_path, part(whole, share))
    for kind in ("image", "sticker"):
        with pytest.raises(InvalidInput):
            prepare("image" if kind == "image" else "sticker", source, "", out, Compression(), TOOLS)
    assert prepare("document", source, "", out, Compression(), TOOLS).thumbnail == b""


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.avi", "tone.ogg", "tone.wav", "tone.mp3", "tone.m4a"])
def test_video_and_audio_that_is_cut_off(tmp_path: Path, out: Path, sample: Sample, name: str, share: float) -> None:
    """Is refused, or plays as far as it goes."""
    whole = sample(name).read_bytes()
    source = written(tmp_path, part(whole, share))
    kind: Kind = "video" if name.startswith("clip") else "voice"
    try:
        made = prepare(kind, source, "", out, Compression(), TOOLS)
    except InvalidInput:
        return
    assert made.size and made.seconds == 1


def test_noise(tmp_path: Path, out: Path, sample: Sample) -> None:
    """Real files with bytes changed here and there: every one is refused or works."""
    held = io.BytesIO()
    Image.effect_noise((64, 48), 60).save(held, "TIFF", compression="tiff_lzw")
    whole = [bad.picture(form) for form in ("JPEG", "PNG", "WEBP", "GIF", "AVIF")] + [held.getvalue()]
    for content in whole:
        for at in range(8, len(content), max(1, len(content) // 40)):
            source = written(tmp_path, content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
            try:
                prepare("image", source, "", out, Compression(), TOOLS)
            except InvalidInput:
                continue
