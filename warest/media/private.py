"""Copying a picture without what is private or hidden in it, and without touching its pixels.

Where it was taken, with which camera, comments, previews, and whatever hangs behind the end of the picture: a page, a
script or a program, for those who take the file for one.
"""

import mmap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from warest.errors import InvalidInput
from warest.media import headers

#: Markers of JPEG that a decoder needs, besides the scans: APP0 (JFIF), APP2 (colours), APP14 (Adobe's colours).
_JPEG_KEPT = {0xE0, 0xE2, 0xEE, *range(0xC0, 0xE0)}

#: What a profile of colours may measure, bytes; that of a printer has 1 MB.
PROFILE_MAX = 2_000_000

#: Of APP0 and APP14; longer ones hold a preview.
_APP_MAX = 32

_PNG_KEPT = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"cICP",
    b"acTL", b"fcTL", b"fdAT",
}  # fmt: skip

_WEBP_KEPT = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}

#: Flags of VP8X: EXIF, XMP, and transparency.
_HAS_EXIF, _HAS_XMP, _HAS_ALPHA = 0x08, 0x04, 0x10


def without_private_parts(source: Path, kind: str, target: Path) -> Path:
    """The source itself if there is nothing in it to be dropped, else its clean copy in `target`.

    `kind`: image/jpeg, image/png or image/webp. Raises InvalidInput for a file whose parts do not add up.
    """
    if kind == "image/webp":
        return webp_with(source, None, target)
    parts: Callable[[mmap.mmap], Iterator[tuple[int, int]]] = {"image/jpeg": _jpeg, "image/png": _png}[kind]
    with source.open("rb") as opened, closing(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)) as data:
        kept = list(parts(data))
        if sum(end - start for start, end in kept) == len(data):
            return source
        with target.open("wb") as out:
            for start, end in kept:
                out.write(data[start:end])
    return target


def _jpeg(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    every = [each for each in headers.jpeg_segments(data) if each[0] in _JPEG_KEPT]
    profile = sum(end - start for marker, start, end in every if marker == 0xE2)
    for marker, start, end in every:
        is_profile = profile <= PROFILE_MAX and data[start + 4 : start + 15] == b"ICC_PROFILE"
        if is_profile if marker == 0xE2 else end - start <= _APP_MAX or marker not in (0xE0, 0xEE):
            yield start, end


def _png(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    yield 0, 8
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if end > len(data):
            break
        if name in _PNG_KEPT:
            yield at, end
        if name == b"IEND":
            return
        at = end
    raise InvalidInput("This picture (image/png) is damaged or cut off")


def webp_with(source: Path, exif: bytes | None, target: Path) -> Path:
    """The WebP with this EXIF and no other; None: with none but that of a sticker, which it keeps.

    The source itself if nothing changes. Raises InvalidInput for a file whose parts do not add up.
    """
    body, before = _webp_parts(source)
    kept = exif if exif is not None else sticker_exif_of(before.get(b"EXIF", b""))
    dropped = {*before} - _WEBP_KEPT
    if dropped <= {b"EXIF"} and before.get(b"EXIF", b"") == kept and _riff_size(source) == source.stat().st_size:
        return source
    if kept or b"VP8X" in before:
        body[b"VP8X"] = [_extended(source, before, kept)]
    order = (b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L")
    chunks = [(name, part) for name in order for part in body.get(name, [])]
    _write_riff(target, [*chunks, *([(b"EXIF", kept)] if kept else [])])
    return target


def _webp_parts(source: Path) -> tuple[dict[bytes, list[bytes]], dict[bytes, bytes]]:
    """The chunks that stay, by name, and the first of every name."""
    body: dict[bytes, list[bytes]] = {}
    first: dict[bytes, bytes] = {}
    with source.open("rb") as opened:
        at = 12
        for name, _, size in headers.webp_chunks(source):
            opened.seek(at + 8)
            content = opened.read(size)
            first.setdefault(name, content)
            if name in _WEBP_KEPT:
                body.setdefault(name, []).append(content)
            at += 8 + size + size % 2
    return body, first


def _extended(source: Path, before: dict[bytes, bytes], exif: bytes) -> bytes:
    if old := before.get(b"VP8X"):
        flags = old[0] & ~(_HAS_EXIF | _HAS_XMP)
        return bytes([flags | (_HAS_EXIF if exif else 0)]) + old[1:10]
    extent = headers.webp_extent(source, 1)
    has_alpha = b"VP8L" in before and before[b"VP8L"][4] & 0x10 != 0
    flags = (_HAS_ALPHA if has_alpha else 0) | _HAS_EXIF
    return (
        bytes([flags, 0, 0, 0]) + (extent.width - 1).to_bytes(3, "little") + (extent.height - 1).to_bytes(3, "little")
    )


def _riff_size(source: Path) -> int:
    with source.open("rb") as opened:
        return int.from_bytes(opened.read(8)[4:8], "little") + 8


def _write_riff(target: Path, chunks: list[tuple[bytes, bytes]]) -> None:
    size = 4 + sum(8 + len(part) + len(part) % 2 for _, part in chunks)
    with target.open("wb") as out:
        out.write(b"RIFF" + size.to_bytes(4, "little") + b"WEBP")
        for name, part in chunks:
            out.write(name + len(part).to_bytes(4, "little") + part + b"\0" * (len(part) % 2))


def sticker_exif_of(exif: bytes) -> bytes:
    """The EXIF itself if it is what WhatsApp writes into stickers: one entry, of the tag 0x5741."""
    return exif if exif.startswith(b"II*\0\x08\0\0\0\x01\0\x41\x57") else b""
