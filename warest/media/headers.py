"""Sizes and frames of GIF and WebP by their headers, before anything is decoded.

Pillow's WebP decoder takes memory for the whole canvas as soon as it is opened, and both let a file of a few KB have
thousands of frames.
"""

import io
from collections.abc import Iterator
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


def _three(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _exactly(opened: BinaryIO, size: int) -> bytes:
    if len(data := opened.read(size)) < size:
        raise InvalidInput("This picture is cut off")
    return data
