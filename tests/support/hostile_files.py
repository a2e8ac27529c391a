"""Files that are meant to hurt whoever opens them: built here, small, and only ever opened by what is being tested.

What must never reach anybody else is marked with EVIL.
"""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

EVIL = b"EVIL"
PAGE = b"<html><script>EVIL()</script></html>"
PROGRAM = b"MZ\x90\x00" + b"\0" * 60 + b"EVIL This program cannot be run in DOS mode"


def picture(form: str, size: tuple[int, int] = (64, 48), **how: Any) -> bytes:
    """Noise, so that it has some length."""
    held = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(held, form, **how)
    return held.getvalue()


# PNG


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    *extra: bytes, width: int = 8, height: int = 8, depth: int = 8, colour: int = 0, data: bytes | None = None
) -> bytes:
    """With these chunks behind the header; `data`: what is in IDAT, before compression."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    lines = bytes((width + 1) * height) if data is None else data
    end = [png_chunk(b"IDAT", zlib.compress(lines)), png_chunk(b"IEND", b"")]
    return b"".join([b"\x89PNG\r\n\x1a\n", png_chunk(b"IHDR", header), *extra, *end])


# GIF

#: One white pixel: the descriptor of a frame at the corner, its table of colours, and its data.
_GIF_PIXEL = b"\x02\x02\x44\x01\x00"


def gif(width: int, height: int, frames: int = 1, frame: tuple[int, int] = (1, 1), extra: bytes = b"") -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    one = b"," + struct.pack("<HHHH", 0, 0, *frame) + b"\0" + _GIF_PIXEL
    return head + extra + one * frames + b";"


# WebP


def riff(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2) for name, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def webp_frames(count: int, length: int, side: int = 16) -> bytes:
    """An animation of so many frames, each shown for `length` milliseconds."""
    pair = [picture("WEBP", (side, side), lossless=True)[12:] for _ in range(2)]
    place = three(0) * 2 + three(side - 1) * 2 + three(length) + b"\0"
    screen = b"\x02\0\0\0" + three(side - 1) * 2
    return riff((b"VP8X", screen), (b"ANIM", bytes(6)), *[(b"ANMF", place + pair[at % 2]) for at in range(count)])


def webp_canvas(side: int, *more: tuple[bytes, bytes]) -> bytes:
    """16x16 pixels on a canvas of another size."""
    still = picture("WEBP", (16, 16), lossless=True)
    return riff((b"VP8X", b"\0\0\0\0" + three(side - 1) * 2), (b"VP8L", still[20:]), *more)


def webp_lossless_head(side: int) -> bytes:
    bits = (side - 1) | (side - 1) << 14
    return riff((b"VP8L", b"\x2f" + struct.pack("<I", bits) + bytes(20)))


# JPEG


def jpeg(*segments: tuple[int, bytes], behind: bytes = b"", **how: Any) -> bytes:
    """With these segments behind its start."""
    plain = picture("JPEG", **how)
    told = b"".join(bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
    return plain[:2] + told + plain[2:] + behind


def jpeg_of_size(width: int, height: int) -> bytes:
    """The header lies."""
    plain = bytearray(picture("JPEG"))
    at = plain.index(b"\xff\xc0")
    plain[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(plain)


def jpeg_of_scans(count: int) -> bytes:
    """The last scan again and again: each is a pass over the whole picture."""
    plain = picture("JPEG", progressive=True)
    at = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[at:-2] * count + b"\xff\xd9"


def exif(body: bytes) -> tuple[int, bytes]:
    return 0xE1, b"Exif\0\0" + body


#: Its only directory is its own next one, and its own EXIF and GPS directory.
LOOP = b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + b"".join(
    struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825)
) + struct.pack("<I", 8)  # fmt: skip


# TIFF


def tiff(*entries: tuple[int, int, int, int], following: int = 0, data: bytes = b"", **changed: int) -> bytes:
    """8x8 grey pixels, or what `width`, `height`, `size` (of its strip) and `compression` say."""
    number = {"width": 8, "height": 8, "size": 64, "compression": 1, **changed}
    every = [
        (256, 4, 1, number["width"]), (257, 4, 1, number["height"]), (258, 3, 1, 8), (259, 3, 1, number["compression"]),
        (262, 3, 1, 1), (273, 4, 1, 0), (277, 3, 1, 1), (278, 4, 1, number["height"]), (279, 4, 1, number["size"]),
        *entries,
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(every) + 4
    told = b"".join(struct.pack("<HHII", *(each if each[0] != 273 else (273, 4, 1, start))) for each in every)
    return (
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(every)) + told + struct.pack("<I", following) + (data or bytes(64))
    )


def bmp(width: int, height: int, bits: int = 24, compression: int = 0) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 64, 0, 0, 54) + header + bytes(64)


# Video and audio

#: Boxes that consist of boxes, and how many bytes come before those.
_PARENTS = {b"moov": 0, b"trak": 0, b"edts": 0, b"mdia": 0, b"minf": 0, b"dinf": 0, b"stbl": 0, b"dref": 8}


def boxes_changed(data: bytes, change: Callable[[bytes, bytes], bytes | None]) -> bytes:
    """An MP4 in which `change(name, body)` has replaced the bodies of boxes; None: as it is."""
    out, at = b"", 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + size]
        if (new := change(name, body)) is None:
            skipped = _PARENTS.get(name)
            new = body if skipped is None else body[:skipped] + boxes_changed(body[skipped:], change)
        out += struct.pack(">I4s", 8 + len(new), name) + new
        at += size
    return out


def mp4_of_elsewhere(data: bytes, url: bytes) -> bytes:
    """Its pictures are said to be at this URL."""
    return boxes_changed(data, lambda name, body: bytes(4) + url + b"\0" if name == b"url " else None)


def mp4_of_length(data: bytes, seconds: int) -> bytes:
    """Each picture is shown for years."""

    def change(name: bytes, body: bytes) -> bytes | None:
        if name in (b"mvhd", b"tkhd", b"elst"):
            at = {b"mvhd": 16, b"tkhd": 20, b"elst": 8}[name]
            return body[:at] + struct.pack(">I", min(2**32 - 2, seconds * 1000)) + body[at + 4 :]
        return body[:12] + struct.pack(">I", min(2**31, seconds * 1000)) + body[16:] if name == b"stts" else None

    return boxes_changed(data, change)


def webm_of_size(data: bytes, side: int) -> bytes:
    """The first picture of VP8 says how large it is."""
    at = data.index(b"\x9d\x01\x2a") + 3
    return data[:at] + struct.pack("<HH", side, side) + data[at + 4 :]


def avi_of_index(data: bytes, size: int) -> bytes:
    """Its index says that it is so long."""
    at = data.rindex(b"idx1") + 4
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def wav(
    channels: int = 1, rate: int = 8000, bits: int = 16, size: int = 1600, kind: int = 1, extra: bytes = b""
) -> bytes:
    form = struct.pack(
        "<HHIIHH", kind, channels, rate, rate * 2 & 0xFFFFFFFF, max(1, channels * bits // 8) & 0xFFFF, bits
    )
    return (
        b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + extra + b"data" + struct.pack("<I", size) + bytes(range(200)) * 8
    )  # fmt: skip


#: Each element says that it is of unknown length, and holds the next.
DEEP_MATROSKA = b"\x1a\x45\xdf\xa3\x84\x42\x86\x81\x01" + (b"\x18\x53\x80\x67\x01" + b"\xff" * 7) * 5000


def playlists(url: str, path: str) -> dict[str, bytes]:
    """Lists of other files, in every dialect that ffmpeg has, that lead to a server and to a file."""
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}/a.ts\n#EXTINF:5,\nfile://{path}\n#EXT-X-ENDLIST\n".encode()
    concat = f"ffconcat version 1.0\nfile '{path}'\nfile '{url}/b.mp4'\n".encode()
    dash = (
        f"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period><AdaptationSet><Representation>"
        f"<BaseURL>{url}/c.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ).encode()
    port, name = url.rpartition(":")[2], path.rpartition("/")[2]
    return {
        "hls": hls,
        "hls behind a byte order mark": b"\xef\xbb\xbf" + hls,
        "hls behind white space": b"\n\n " + hls,
        "hls in an mp4": b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + hls,
        "hls behind an id3 tag": b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + hls,
        "hls in an ogg": b"OggS" + hls,
        "hls in a riff": b"RIFF\xff\0\0\0AVI " + hls,
        "hls of a neighbour": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n".encode(),
        "ffconcat of a neighbour": f"ffconcat version 1.0\nfile {name}\n".encode(),
        "ffconcat": concat,
        "ffconcat without version": concat.partition(b"\n")[2],
        "dash": dash,
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode(),
        "asx": f"<ASX version='3.0'><entry><ref href='{url}/d'/></entry></ASX>".encode(),
        "reference": f"[Reference]\nRef1={url}/e\n".encode(),
        "ffmetadata": b";FFMETADATA1\ntitle=EVIL\n",
        "vobsub": f"# VobSub index file, v7\nid: en\n{path}\n".encode(),
        "rtsp text": f"RTSPtext\nrtsp://127.0.0.1:{port}/f\n".encode(),
        "svg with an external picture": f"<svg xmlns='x'><image href='{url}/g.png'/></svg>".encode(),
        "xml with an external entity": f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file://{path}'>]><svg>&e;</svg>".encode(),
    }
