"""Thumbnails of a picture or video, and pictures converted, resized and compressed on request.

Facts: contract, endpoints.md section 11 (/media/thumbnail, /media/image).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image, ImageOps

from warest.errors import InvalidInput
from warest.media import pixels, videos
from warest.media.options import Tools
from warest.media.probe import probe

#: What a picture can become, by the word that asks for it.
_FORMATS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "avif": "image/avif",
}

_FITS = ("cover", "contain", "fill", "inside", "outside")

#: Longest side that can be asked for, pixels.
_SIDE = 8192

#: Where no quality is asked for.
_QUALITY = 85

_NO_TOOLS = Tools()


@dataclass(frozen=True)
class Made:
    """A picture in a file; `format` is the word that asked for it, else its own, and the rest says what was done."""

    path: Path
    mimetype: str
    format: str
    width: int
    height: int
    size: int
    converted: bool = False
    resized: bool = False
    compressed: bool = False


def thumbnails(
    kind: Literal["image", "video"], source: Path, width: int, height: int, count: int, folder: Path,
    tools: Tools = _NO_TOOLS,
) -> list[Made]:  # fmt: skip
    """JPEGs of exactly this size, the middle of the picture: one of an image, `count` of a video, evenly spread.

    A moment that a video does not have shows its beginning. Raises InvalidInput for a file that is not of this kind,
    and Unsupported without ffmpeg.
    """
    if kind == "image":
        with pixels.opened(source) as image:
            shown = pixels.plain(image, 4 * max(width, height))
        return [_thumbnail(shown, folder / "thumbnail-1.jpg", width, height)]
    return [
        _thumbnail(shown, folder / f"thumbnail-{number}.jpg", width, height)
        for number, shown in enumerate(_frames(source, count, 2 * max(width, height), folder, tools), 1)
    ]


def _frames(source: Path, count: int, longest: int, folder: Path, tools: Tools) -> list[Image.Image]:
    contents = probe(source, tools)
    if not contents.video:
        raise InvalidInput("There is no picture in this video that can be read")
    times = [contents.seconds * (number + 1) / (count + 1) or float(number) for number in range(count)]
    return [videos.shown_at(source, at, folder, tools, longest=longest) for at in times]


def _thumbnail(image: Image.Image, path: Path, width: int, height: int) -> Made:
    fitted = ImageOps.fit(pixels.on_white(image), (width, height), Image.Resampling.LANCZOS)
    fitted.save(path, "JPEG", quality=80, optimize=True)
    return Made(path, "image/jpeg", "jpeg", width, height, path.stat().st_size)


def edited(source: Path, actions: Mapping[str, Any], folder: Path) -> Made:
    """The picture with these done to it: `convert`, `resize` (width, height, fit) and `compress` (quality).

    It comes out upright, in sRGB and without anything private. Raises InvalidInput for a picture that cannot be read
    and for actions that make no sense.
    """
    word = _format(actions.get("convert"))
    shape = _shape(actions.get("resize"))
    quality = _quality(actions.get("compress"))
    with pixels.opened(source) as opened:
        own = pixels.type_of(source)
        image = pixels.plain(opened)
    if shape:
        image = _resized(image, *shape)
    word = word or next((name for name in ("jpeg", *_FORMATS) if _FORMATS[name] == own), "png")
    mimetype = _FORMATS[word]
    path = folder / f"edited.{word}"
    _save(image, mimetype, path, quality)
    return Made(
        path,
        mimetype,
        word,
        *image.size,
        path.stat().st_size,
        converted=mimetype != own,
        resized=shape is not None,
        compressed=quality is not None,
    )


def _format(word: Any) -> str:
    if word in (None, ""):
        return ""
    if not isinstance(word, str) or word.lower() not in _FORMATS:
        raise InvalidInput(f"A picture can be converted to {', '.join(_FORMATS)}")
    if word.lower() == "avif" and "AVIF" not in Image.SAVE:
        raise InvalidInput("This installation cannot write AVIF")
    return word.lower()


def _quality(compress: Any) -> int | None:
    if not compress and compress != {}:
        return None
    given = compress.get("quality", 80) if isinstance(compress, Mapping) else 80
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given:
        raise InvalidInput("The quality has to be a number from 1 to 100")
    return int(min(max(given, 1), 100))


def _shape(resize: Any) -> tuple[int | None, int | None, str] | None:
    if not resize:
        return None
    if not isinstance(resize, Mapping):
        raise InvalidInput("'resize' has to be an object with width, height and fit")
    width, height = _side("width", resize.get("width")), _side("height", resize.get("height"))
    fit = str(resize.get("fit") or "cover")
    if fit not in _FITS:
        raise InvalidInput(f"'fit' has to be one of {', '.join(_FITS)}")
    return (width, height, fit) if width or height else None


def _side(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= _SIDE:
        raise InvalidInput(f"'{name}' has to be a number from 1 to {_SIDE}")
    return round(value)


def _resized(image: Image.Image, width: int | None, height: int | None, fit: str) -> Image.Image:
    """As sharp does it: `cover` and `contain` have exactly this size, `fill` is stretched to it, `inside` is as large
    as fits into it, `outside` as small as covers it. One side alone brings the other along."""
    if fit == "fill":
        return image.resize((width or image.width, height or image.height), Image.Resampling.LANCZOS)
    if not width or not height:
        factor = (width or 0) / image.width or (height or 0) / image.height
        return _scaled(image, factor)
    across, down = width / image.width, height / image.height
    if fit in ("inside", "outside"):
        return _scaled(image, min(across, down) if fit == "inside" else max(across, down))
    if fit == "cover":
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    fitted = pixels.within(image, width, height)
    ground = Image.new(image.mode, (width, height), "black")
    ground.paste(fitted, ((width - fitted.width) // 2, (height - fitted.height) // 2))
    return ground


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    width, height = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    if max(width, height) > 2 * _SIDE or width * height > pixels.PIXELS:
        raise InvalidInput("The picture would become too large")
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _save(image: Image.Image, mimetype: str, path: Path, quality: int | None) -> None:
    if mimetype == "image/jpeg":
        pixels.on_white(image).save(path, "JPEG", quality=quality or _QUALITY, optimize=True)
    elif mimetype == "image/png":
        few = image if quality is None else image.quantize(max(2, 256 * quality // 100), Image.Quantize.FASTOCTREE)
        few.save(path, "PNG", optimize=quality is not None)
    elif mimetype == "image/tiff":
        image.save(path, "TIFF", compression="tiff_adobe_deflate")
    else:
        image.save(path, mimetype.removeprefix("image/").upper(), quality=quality or _QUALITY)
