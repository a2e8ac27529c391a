"""A picture, as WhatsApp takes it: JPEG or PNG (WebP if that is allowed), no larger than need be."""

from pathlib import Path

from PIL import Image

from warest.media import pixels, private
from warest.media.options import Compression, ImageOptions
from warest.media.prepared import Prepared

#: Of JPEG and WebP where the original is to be preserved, but cannot be sent as it is.
_BEST = 95

#: No JPEG is longer.
_JPEG_SIDE = 65_500

#: Of a picture that stays, nothing larger is needed.
_FOR_THUMBNAIL = 200

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def prepare(source: Path, folder: Path, options: Compression) -> Prepared:
    """The smallest that is worth it, else the source without its private parts. Raises InvalidInput."""
    kind = pixels.type_of(source)
    size = source.stat().st_size
    may_stay = kind in ("image/jpeg", "image/png") or (kind == "image/webp" and options.image.allow_webp)
    with pixels.opened(source) as opened:
        may_stay = may_stay and pixels.orientation_of(opened) == 1 and opened.mode != "CMYK"
        full_size = opened.size
        tried = options.enabled and size >= options.image.min_bytes
        changes = tried or not may_stay
        longest = options.image.max_dimension if options.enabled else _JPEG_SIDE
        image = pixels.plain(opened, longest if changes else _FOR_THUMBNAIL)
    quality = options.image.quality if options.enabled else _BEST
    thumbnail = pixels.small_jpeg(image)
    enough = size * (1 - options.image.min_savings)
    for target in _targets(kind, image, options.image) if changes else ():
        path = folder / f"image.{_ENDINGS[target]}"
        write(image, target, path, quality, options.image.png_level)
        if (made := path.stat().st_size) <= enough or not may_stay:
            return Prepared(path, target, made, *image.size, thumbnail=thumbnail, saved=size - made)
    path = private.without_private_parts(source, kind, folder / f"clean.{_ENDINGS[kind]}")
    made = path.stat().st_size
    return Prepared(path, kind, made, *full_size, thumbnail=thumbnail, saved=size - made)


def _targets(kind: str, image: Image.Image, options: ImageOptions) -> list[str]:
    """The types to try, the best first."""
    keeps_alpha = not pixels.is_opaque(image) and options.keep_format
    if kind == "image/webp" and options.allow_webp:
        return ["image/webp"]
    if kind == "image/png" and keeps_alpha:
        return ["image/webp", "image/png"] if options.allow_webp else ["image/png"]
    if kind == "image/png" and options.keep_format:
        return ["image/jpeg", "image/png"] if options.png_to_jpeg else ["image/png"]
    if kind == "image/jpeg" and options.keep_format:
        return ["image/jpeg"]
    return ["image/webp"] if options.allow_webp else ["image/jpeg"]


def write(image: Image.Image, kind: str, path: Path, quality: int, png_level: int = 8) -> None:
    """`image` is RGB or RGBA; whatever is not said here is not written, so nothing private is."""
    if kind == "image/png":
        image.save(path, "PNG", compress_level=png_level)
    elif kind == "image/webp":
        image.save(path, "WEBP", quality=quality, method=4)
    else:
        pixels.on_white(image).save(path, "JPEG", quality=quality, optimize=True, progressive=True)
