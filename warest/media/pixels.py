"""Opening pictures of strangers, and turning them into plain pixels: upright, in sRGB, without anything private."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageCms

from warest.errors import InvalidInput, WarestError
from warest.media import headers
from warest.media.private import PROFILE_MAX
from warest.media.rules import HEAD, sniffed

#: Larger pictures are refused before they are decoded: a bomb of a few KB would take gigabytes.
PIXELS = 64_000_000

#: More frames than this are refused, and so are fewer with more pixels in all than FRAME_PIXELS.
FRAMES = 1000
FRAME_PIXELS = 500_000_000

#: A JPEG with more scans is refused; a progressive one has some ten.
SCANS = 40

#: Pillow's reader for each type that is accepted; it also has readers for PostScript and for formats of the eighties.
READERS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/avif": "AVIF",
}

_ORIENTATION = 0x0112

#: So many pictures are in memory at a time, whatever the number of worker threads: 64 million pixels are 256 MB.
_ROOM = threading.BoundedSemaphore(2)

# Pillow's own check stays on, since it also sees frames larger than their canvas; its warning is a refusal too.
Image.MAX_IMAGE_PIXELS = PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)
# Of EXIF and TIFF entries that make no sense: the picture is none the worse, and no stranger writes our logs.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")


@contextmanager
def opened(source: Path) -> Iterator[Image.Image]:
    """A picture whose header has been found good; it is decoded when it is used, and closed in the end.

    Raises InvalidInput, also for whatever Pillow stumbles over while the picture is in use: its parsers raise anything
    from struct.error to MemoryError.
    """
    reader = READERS[kind] if (kind := type_of(source)) in READERS else None
    if reader is None:
        raise InvalidInput(f"This is not a picture that can be read{f', but {kind}' if kind else ''}")
    with _ROOM:
        try:
            check_extent(source, kind)
            with Image.open(source, formats=(reader,)) as image:
                _check_pixels(*image.size)
                yield image
        except WarestError:
            raise
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise _too_large() from None
        except OSError as error:
            if error.errno is not None:  # the disk's, not the file's
                raise
            raise _damaged(kind) from None
        except Exception:
            raise _damaged(kind) from None


def type_of(source: Path) -> str:
    with source.open("rb") as file:
        return sniffed(file.read(HEAD))


def check_extent(source: Path, kind: str) -> headers.Extent | None:
    """Of GIF and WebP, which can have many frames; nothing is said of the others."""
    if kind == "image/jpeg" and headers.jpeg_scans(source) > SCANS:
        raise InvalidInput(f"This JPEG has too many scans; {SCANS} is the limit")
    measure = {"image/gif": headers.gif_extent, "image/webp": headers.webp_extent}.get(kind)
    if measure is None:
        return None
    extent = measure(source, FRAMES)
    _check_pixels(extent.width, extent.height)
    if extent.frames > FRAMES or extent.frames * extent.width * extent.height > FRAME_PIXELS:
        raise InvalidInput(f"This picture has too many frames; {FRAMES} is the limit")
    if not extent.frames:
        raise _damaged(kind)
    return extent


def _check_pixels(width: int, height: int) -> None:
    if width * height > PIXELS:
        raise _too_large()


def _too_large() -> InvalidInput:
    return InvalidInput(f"This picture has too many pixels; {PIXELS // 1_000_000} million is the limit")


def _damaged(kind: str) -> InvalidInput:
    return InvalidInput(f"This picture ({kind}) is damaged or cut off")


def orientation_of(image: Image.Image) -> int:
    """1 to 8, as in EXIF; 1 if it does not say, or nothing sensible."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # EXIF is full of offsets that lead anywhere; the picture is none the worse
        return 1
    return found if found in range(1, 9) else 1


def plain(image: Image.Image, longest: int = 0) -> Image.Image:
    """RGB or RGBA, upright, in sRGB, no side longer than `longest` (0: as it is), and nothing but pixels."""
    turned = orientation_of(image)
    profile = image.info.get("icc_profile") or b""
    if image.mode in ("P", "PA", "1") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if longest:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.load()
    image = _upright(_in_srgb(image, profile), turned)
    image.info = {}
    return image


def _upright(image: Image.Image, turned: int) -> Image.Image:
    turns = Image.Transpose
    how = {
        2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM, 5: turns.TRANSPOSE,
        6: turns.ROTATE_270, 7: turns.TRANSVERSE, 8: turns.ROTATE_90,
    }.get(turned)  # fmt: skip
    return image.transpose(how) if how is not None else image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    mode = "RGBA" if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") else "RGB"
    if image.mode.startswith("I;16"):  # Pillow cuts off what is above 255
        image = image.point(lambda value: value / 256).convert("L")
    if not profile or len(profile) > PROFILE_MAX or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image.convert(mode)
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(given).lower():
            return image.convert(mode)
        wanted = ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(image, given, wanted, outputMode=mode)
    except Exception:  # a broken profile, or one for another kind of picture: it is shown without
        return image.convert(mode)
    return turned if turned is not None else image.convert(mode)


def is_opaque(image: Image.Image) -> bool:
    if image.mode != "RGBA":
        return True
    lowest = image.getchannel("A").getextrema()[0]
    return bool(lowest == 255)


def on_white(image: Image.Image) -> Image.Image:
    """For formats that know no transparency."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def within(image: Image.Image, width: int, height: int) -> Image.Image:
    """As large as fits into this; of a strip at least one pixel is left."""
    factor = min(width / image.width, height / image.height)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def small_jpeg(image: Image.Image, longest: int = 100, most: int = 4096) -> bytes:
    """A thumbnail of so many pixels and bytes at most."""
    small = on_white(within(image, longest, longest) if max(image.size) > longest else image)
    for quality in (60, 40, 20):
        held = io.BytesIO()
        small.save(held, "JPEG", quality=quality, optimize=True)
        if held.tell() <= most:
            break
    return held.getvalue()
