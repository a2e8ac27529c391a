"""How much a file is changed before it is sent: the settings of the installation, and what one request says.

Facts: contract, config.md "Compression"; endpoints.md section 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from warest.errors import InvalidInput

#: What a file is sent as.
Kind = Literal["image", "video", "gif", "audio", "voice", "sticker", "document"]

#: Those of x264, the fastest first.
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """`min_savings` is the share of the size that must be gained, `min_bytes` the size below which nothing is tried."""

    max_dimension: int = 1280
    quality: int = 82
    allow_webp: bool = False
    keep_format: bool = True
    png_to_jpeg: bool = True
    png_level: int = 8
    min_savings: float = 0.04
    min_bytes: int = 2048


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    max_width: int = 720
    crf: int = 28
    preset: str = "veryfast"
    audio_bitrate_k: int = 96
    min_savings: float = 0.05
    min_bytes: int = 65536


@dataclass(frozen=True, kw_only=True)
class AudioOptions:
    bitrate_k: int = 96
    prefer_opus: bool = True
    min_savings: float = 0.04
    min_bytes: int = 8192


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What a sticker says of the pack it belongs to."""

    id: str = ""
    name: str = ""
    publisher: str = ""
    emojis: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StickerOptions:
    """`effort` is libwebp's, 0 to 6."""

    size: int = 512
    quality: int = 80
    effort: int = 4
    pack: Pack | None = None


@dataclass(frozen=True, kw_only=True)
class Compression:
    """`enabled=False` preserves the original as far as WhatsApp takes it; private metadata is dropped all the same."""

    enabled: bool = True
    image: ImageOptions = field(default_factory=ImageOptions)
    video: VideoOptions = field(default_factory=VideoOptions)
    audio: AudioOptions = field(default_factory=AudioOptions)
    sticker: StickerOptions = field(default_factory=StickerOptions)
    min_savings: float = 0.04
    min_bytes: int = 4096

    def overridden(self, given: Mapping[str, Any]) -> "Compression":
        """With what a request says in its `compression` object.

        Names are as in the contract (`maxDimension`), or with underscores; those of one kind may stand below its name
        (`{"video": {"crf": 30}}`). Numbers out of range are taken to its end; other names are ignored. Raises
        InvalidInput for a value of the wrong type.
        """
        changed = self
        for name, value in given.items():
            if name in _PARTS and isinstance(value, Mapping):
                for inner, each in value.items():
                    changed = changed._with(_plain(inner), each, only=name)
            else:
                changed = changed._with(_plain(name), value)
        return changed

    def _with(self, name: str, value: Any, only: str = "") -> "Compression":
        if value is None or value == "":
            return self
        if name == "enabled" and not only:
            return replace(self, enabled=_flag(name, value))
        changed: dict[str, Any] = {}
        for part, options in _RULES.items():
            if name in options and only in ("", part):
                attribute, read = options[name]
                changed[part] = replace(getattr(self, part), **{attribute: read(name, value)})
        return replace(self, **changed)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _flag(name: str, value: Any) -> bool:
    word = str(value).lower()
    if word not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise InvalidInput(f"Compression option '{name}' has to be true or false")
    return word in ("true", "1", "yes", "on")


def _number(name: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    if number != number:
        raise InvalidInput(f"Compression option '{name}' has to be a number")
    return number


def _between(low: float, high: float) -> Any:
    return lambda name, value: type(high)(min(max(_number(name, value), low), high))


def _one_of(*words: str) -> Any:
    def read(name: str, value: Any) -> str:
        if value not in words:
            raise InvalidInput(f"Compression option '{name}' has to be one of {', '.join(words)}")
        return str(value)

    return read


_PARTS = ("image", "video", "audio", "sticker")

_SHARE = _between(0.0, 0.95)
_SIZE = _between(0, 2**31)

#: For each part, the name in a request, without capitals and underscores: our field, and how it is read.
_RULES: dict[str, dict[str, tuple[str, Any]]] = {
    "image": {
        "quality": ("quality", _between(1, 100)),
        "maxdimension": ("max_dimension", _between(16, 8192)),
        "allowwebp": ("allow_webp", _flag),
        "keepformat": ("keep_format", _flag),
        "pngtojpeg": ("png_to_jpeg", _flag),
        "pnglevel": ("png_level", _between(0, 9)),
        "minsavings": ("min_savings", _SHARE),
        "minsavingsratio": ("min_savings", _SHARE),
        "minbytes": ("min_bytes", _SIZE),
    },
    "video": {
        "maxwidth": ("max_width", _between(64, 4096)),
        "crf": ("crf", _between(0, 51)),
        "preset": ("preset", _one_of(*PRESETS)),
        "audiobitratek": ("audio_bitrate_k", _between(8, 320)),
        "minsavings": ("min_savings", _SHARE),
        "minsavingsratio": ("min_savings", _SHARE),
        "minbytes": ("min_bytes", _SIZE),
    },
    "audio": {
        "bitratek": ("bitrate_k", _between(8, 320)),
        "preferopus": ("prefer_opus", _flag),
        "minsavings": ("min_savings", _SHARE),
        "minsavingsratio": ("min_savings", _SHARE),
        "minbytes": ("min_bytes", _SIZE),
    },
    "sticker": {
        "quality": ("quality", _between(1, 100)),
        "maxdimension": ("size", _between(96, 1024)),
        "size": ("size", _between(96, 1024)),
        "webpeffort": ("effort", _between(0, 6)),
    },
}


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Where ffmpeg is (empty: it is looked for), and what one run of it may take."""

    ffmpeg: str = ""
    seconds: float = 300.0
    memory_mb: int = 2048
    output_mb: int = 100
    threads: int = 2
