"""What comes out of preparing a file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Prepared:
    """A file as it is sent. `path` may be the source itself.

    `thumbnail` is a JPEG of a few KB, `waveform` 64 bytes from 0 to 100 (voice notes), `saved` what it is smaller by,
    bytes (below zero: larger, since WhatsApp would not have taken the original).
    """

    path: Path
    mimetype: str
    size: int
    width: int = 0
    height: int = 0
    seconds: int = 0
    thumbnail: bytes = b""
    waveform: bytes = b""
    is_animated: bool = False
    saved: int = 0
