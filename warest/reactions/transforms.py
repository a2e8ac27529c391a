"""How an action wants its file changed -> our own options.

The original ran a picture library and ffmpeg with whatever a receiver wrote. Here only what has a counterpart in
media/options.py counts: size, quality, preset and bitrate. `extraArgs` and `format` never do (quirk S11).
"""

import re
from typing import Any

from warest.media.options import PRESETS
from warest.reactions.actions import Action

#: The original's quality of a WebP that does not say it.
_WEBP_QUALITY = 90


def wishes(action: Action) -> dict[str, Any]:
    """What the worker is told of how to change the file; without any wish it stays as it is.

    `compression` is that of the routes.
    """
    sharp, transcode = action.part("transform").get("sharp"), action.part("transcode")
    found = _picture(sharp if isinstance(sharp, dict) else {}) | _stream(transcode)
    compression = action.part("compression")
    return {**found, **compression, "enabled": bool(found or compression)}


def _picture(sharp: dict[str, Any]) -> dict[str, Any]:
    resize = sharp.get("resize")
    sizes = [_whole(resize.get(side)) for side in ("width", "height")] if isinstance(resize, dict) else []
    made = next((name for name in ("webp", "jpeg", "png") if isinstance(sharp.get(name), dict)), "")
    quality = _whole(sharp[made].get("quality")) if made else 0
    told = {"maxDimension": max(sizes, default=0), "quality": quality or (_WEBP_QUALITY if made == "webp" else 0)}
    return _asked_for("image", {name: value for name, value in told.items() if value})


def _stream(transcode: dict[str, Any]) -> dict[str, Any]:
    bitrate, preset = _whole(transcode.get("audioBitrate")), transcode.get("preset")
    video = ({"audioBitrateK": bitrate} if bitrate else {}) | ({"preset": preset} if preset in PRESETS else {})
    return _asked_for("video", video) | _asked_for("audio", {"bitrateK": bitrate} if bitrate else {})


def _asked_for(kind: str, told: dict[str, Any]) -> dict[str, Any]:
    """However little it gains, unlike what the settings do to every file."""
    return {kind: {**told, "minBytes": 0, "minSavings": 0}} if told else {}


def _whole(value: object) -> int:
    """Also of `128k`; 0: there is none."""
    found = re.match(r"\s*([0-9]{1,9})", str(value))
    return int(found[1]) if found else 0
