"""What is in a video or audio file, as ffmpeg tells it (there is not always an ffprobe)."""

import re
from dataclasses import dataclass
from pathlib import Path

from warest.errors import InvalidInput
from warest.media import ffmpeg
from warest.media.options import Tools

_DURATION = re.compile(r"^ +Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_STREAM = re.compile(r"^ {2,4}Stream #0:\d+.*?: (Video|Audio): (\w+)(.*)$", re.MULTILINE)
_SIZE = re.compile(r", (\d{1,6})x(\d{1,6})(?=[ ,]|$)")
_TURNED = re.compile(r"rotation of (-?\d+)|^ +rotate +: (-?\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Contents:
    """Width and height as they are seen (after rotation), pixels; `seconds` is 0 if the file does not say."""

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    video: str = ""
    pixels: str = ""
    audio: str = ""
    is_mono: bool = False
    is_turned: bool = False

    @property
    def has_audio(self) -> bool:
        return bool(self.audio)


def probe(source: Path, tools: Tools) -> Contents:
    """Raises InvalidInput if ffmpeg cannot make anything of the file."""
    told = ffmpeg.run([*ffmpeg.reading(source)], tools, fails=False)
    if not re.search(r"^Input #0", told, re.MULTILINE):
        raise InvalidInput(f"This file cannot be read: {ffmpeg.reason_of(told)}")
    return _read(told)


def _read(told: str) -> Contents:
    streams = [(kind, codec, rest) for kind, codec, rest in _STREAM.findall(told) if "(attached pic)" not in rest]
    _, video, seen = next((each for each in streams if each[0] == "Video"), ("", "", ""))
    _, audio, heard = next((each for each in streams if each[0] == "Audio"), ("", "", ""))
    width, height = map(int, found.groups()) if (found := _SIZE.search(seen)) else (0, 0)
    turned = next((int(a or b) for a, b in _TURNED.findall(told)), 0) if video else 0
    if turned % 180 == 90:
        width, height = height, width
    return Contents(
        seconds=_seconds(told),
        width=width,
        height=height,
        video=video,
        pixels=next(iter(re.findall(r", (\w+)(?=[(,])", seen)), ""),
        audio=audio,
        is_mono=", mono" in heard,
        is_turned=bool(turned % 360),
    )


def _seconds(told: str) -> float:
    if not (found := _DURATION.search(told)):
        return 0.0
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
