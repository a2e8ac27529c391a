"""Sizes and frames of GIF and WebP, and scans of JPEG, by their headers, before anything is decoded.

Pillow's WebP decoder takes memory for the whole canvas as soon as it is opened, and both let a file of a few KB have
thousands of frames. A JPEG of a few KB can have thousands of scans, each a pass over the whole picture.
"""

import io
import mmap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

from warest.errors import InvalidInput


class Extent(NamedTuple):
    """Canvas in pixels, and how many frames; counting stops at `most`."""

    width: int
    height: int
    frames: int


def gif_extent(path: Path, most: int) -> Extent:
    """Raises InvalidInput for what is no whole GIF."""
    with path.open("rb") as opened:
        head = _exactly(opened, 13)
        _skip_colours(opened, head[10])
        frames = 0
        while frames <= most and (kind := opened.read(1)) not in (b";", b""):
            if kind == b",":
                frames += 1
                _skip_colours(opened, _exactly(opened, 9)[8])
                opened.seek(1, io.SEEK_CUR)
            elif kind == b"!":
                opened.seek(1, io.SEEK_CUR)
            else:
                raise InvalidInput("This GIF is damaged")
            _skip_blocks(opened)
    return Extent(int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"), frames)


def _skip_colours(opened: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        opened.seek(3 << (flags & 7) + 1, io.SEEK_CUR)


def _skip_blocks(opened: BinaryIO) -> None:
    while size := _exactly(opened, 1)[0]:
        opened.seek(size, io.SEEK_CUR)


def webp_extent(path: Path, most: int) -> Extent:
    """Raises InvalidInput for what is no whole WebP."""
    width = height = frames = 0
    for name, body, _ in webp_chunks(path):
        if name == b"VP8X":
            width, height = _three(body[4:7]) + 1, _three(body[7:10]) + 1
        elif name == b"VP8 " and not width:
            width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        elif name == b"VP8L" and not width:
            bits = int.from_bytes(body[1:5], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif name == b"ANMF" and (frames := frames + 1) > most:
            break
    if not width or not height:
        raise InvalidInput("This WebP is damaged")
    return Extent(width, height, max(1, frames))


def webp_chunks(path: Path) -> Iterator[tuple[bytes, bytes, int]]:
    """Name, the first 16 bytes and the whole size of each chunk. Raises InvalidInput if the file is cut off."""
    with path.open("rb") as opened:
        head = _exactly(opened, 12)
        end, total = int.from_bytes(head[4:8], "little") + 8, path.stat().st_size
        at = 12
        while at + 8 <= end:
            opened.seek(at)
            chunk = opened.read(24)
            size = int.from_bytes(chunk[4:8], "little")
            if len(chunk) < 8 or at + 8 + size > total:
                raise InvalidInput("This WebP is cut off")
            yield chunk[:4], chunk[8 : 8 + min(size, 16)], size
            at += 8 + size + size % 2


def jpeg_scans(path: Path) -> int:
    """How many passes its decoder makes. Raises InvalidInput if the file is cut off."""
    with path.open("rb") as opened, closing(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)) as data:
        return sum(marker == 0xDA for marker, _, _ in jpeg_segments(data))


def jpeg_segments(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment, a scan with all its data, to the end of the picture.

    Raises InvalidInput if that does not come.
    """
    yield 0xD8, 0, 2
    at = 2
    while data[at : at + 1] == b"\xff" and at + 1 < len(data):
        if (marker := data[at + 1]) == 0xFF:  # filling
            at += 1
            continue
        if marker == 0xD9:
            yield marker, at, at + 2
            return
        end = max(at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big"))
        if marker == 0xDA:
            end = _end_of_scan(data, end)
        yield marker, at, end
        at = end
    raise InvalidInput("This picture (image/jpeg) is damaged or cut off")


def _end_of_scan(data: mmap.mmap, at: int) -> int:
    """Where the next marker stands; FF 00 and the restarts are part of the scan."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
        elif data[at + 1] == 0xFF:
            at += 1
        else:
            return at
    raise InvalidInput("This picture (image/jpeg) is damaged or cut off")


def _three(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _exactly(opened: BinaryIO, size: int) -> bytes:
    if len(data := opened.read(size)) < size:
        raise InvalidInput("This picture is cut off")
    return data
