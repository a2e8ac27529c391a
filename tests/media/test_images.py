"""Pictures, as they are sent."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from warest.errors import InvalidInput
from warest.media.options import Compression, ImageOptions
from warest.media.prepare import prepare
from warest.media.prepared import Prepared

AS_IT_IS = Compression(enabled=False)


def saved(image: Image.Image, path: Path, form: str, **how: Any) -> Path:
    image.save(path, form, **how)
    return path


def pixel(path: Path, x: float, y: float) -> tuple[int, ...]:
    """At these parts of the width and height; RGBA."""
    with Image.open(path) as image:
        found = image.convert("RGBA").getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))
    assert isinstance(found, tuple)
    return found


def is_red(path: Path, x: float, y: float) -> bool:
    red, green, blue, _ = pixel(path, x, y)
    return red > 200 and green < 60 and blue < 60


def sent(source: Path, out: Path, options: Compression | None = None, **image: Any) -> Prepared:
    """With all that is true of every answer."""
    made = prepare("image", source, "", out, options or Compression(image=ImageOptions(**image)))
    assert made.size == made.path.stat().st_size and made.saved == source.stat().st_size - made.size
    assert made.path == source or made.path.parent == out
    with Image.open(made.path) as image_, Image.open(io.BytesIO(made.thumbnail)) as small:
        assert Image.MIME[str(image_.format)] == made.mimetype and image_.size == (made.width, made.height)
        assert small.format == "JPEG" and max(small.size) <= 100 and len(made.thumbnail) <= 4096
    return made


def test_a_photo_becomes_smaller(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """No side is longer than it may be, and the shape stays."""
    made = sent(saved(photo, tmp_path / "a", "JPEG", quality=98), out, max_dimension=200)
    assert (made.mimetype, made.width, made.height) == ("image/jpeg", 200, 150)
    assert made.saved > 0 and is_red(made.path, 0, 0)


def test_quality(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """Less of it takes fewer bytes."""
    source = saved(photo, tmp_path / "a", "JPEG", quality=98)
    assert sent(source, out, quality=40).size < sent(source, out, quality=90).size


@pytest.mark.parametrize(
    "options",
    [
        AS_IT_IS,
        Compression(image=ImageOptions(min_bytes=10**9)),
        Compression(image=ImageOptions(min_savings=0.9, quality=95)),
    ],
)
def test_the_original_stays(photo: Image.Image, tmp_path: Path, out: Path, options: Compression) -> None:
    """If it is to be preserved, is small, or little would be gained."""
    source = saved(photo, tmp_path / "a", "JPEG", quality=95)
    made = sent(source, out, options)
    assert made.path == source and (made.width, made.height, made.saved) == (400, 300, 0)


def private_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "SECRET-PLACE"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


@pytest.mark.parametrize("options", [Compression(), AS_IT_IS], ids=["smaller", "preserved"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_private_is_sent(
    photo: Image.Image, tmp_path: Path, out: Path, form: str, options: Compression
) -> None:
    """Neither EXIF nor comments nor what hangs behind the end, also where the picture itself is not touched."""
    extra = {"comment": b"SECRET-WORD"} if form == "JPEG" else {}
    source = saved(photo, tmp_path / "a", form, exif=private_exif(), **extra)
    source.write_bytes(source.read_bytes() + b"<script>SECRET-END</script>")
    made = sent(source, out, replace(options, image=ImageOptions(allow_webp=True)))
    assert b"SECRET" not in made.path.read_bytes() and b"SECRET" in source.read_bytes()
    with Image.open(made.path) as image:
        assert not dict(image.getexif()) and not image.info.get("comment")
    if not options.enabled:
        with Image.open(source) as before, Image.open(made.path) as after:
            assert before.tobytes() == after.tobytes() and made.mimetype == f"image/{form.lower()}"


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("options", [Compression(), AS_IT_IS], ids=["smaller", "preserved"])
def test_upright(tmp_path: Path, out: Path, orientation: int, options: Compression) -> None:
    """Red is at the left of what one sees, so it is turned away before; each way back is that of EXIF."""
    upright = Image.new("RGB", (80, 60), "white")
    upright.paste((255, 0, 0), (0, 0, 20, 20))
    turns = Image.Transpose
    away = {
        2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM, 5: turns.TRANSPOSE,
        6: turns.ROTATE_90, 7: turns.TRANSVERSE, 8: turns.ROTATE_270,
    }[orientation]  # fmt: skip
    source = saved(upright.transpose(away), tmp_path / "a", "JPEG", exif=private_exif(orientation))
    made = sent(source, out, options)
    assert (made.width, made.height) == (80, 60)
    assert is_red(made.path, 0, 0) and not is_red(made.path, 1, 1) and not is_red(made.path, 0, 1)


def test_an_opaque_png_becomes_a_jpeg(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """Unless that is switched off; RGBA without a transparent pixel is opaque."""
    source = saved(photo.convert("RGBA"), tmp_path / "a", "PNG")
    assert sent(source, out).mimetype == "image/jpeg"
    assert sent(source, out, png_to_jpeg=False, max_dimension=100).mimetype == "image/png"


def test_transparency(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """Kept in a PNG; white where the format is not kept."""
    photo.putalpha(0)
    source = saved(photo, tmp_path / "a", "PNG")
    kept = sent(source, out, max_dimension=100)
    assert kept.mimetype == "image/png" and pixel(kept.path, 0.5, 0.5)[3] == 0
    flat = sent(source, out, max_dimension=100, keep_format=False)
    assert flat.mimetype == "image/jpeg" and min(pixel(flat.path, 0.5, 0.5)) > 250


@pytest.mark.parametrize("form", ["WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("options", [Compression(), AS_IT_IS], ids=["smaller", "preserved"])
def test_what_whatsapp_does_not_take_becomes_jpeg(
    photo: Image.Image, tmp_path: Path, out: Path, form: str, options: Compression
) -> None:
    """Whatever the sender wants, and however small it is."""
    made = sent(saved(photo.resize((40, 30)), tmp_path / "a", form), out, options)
    assert (made.mimetype, made.width, made.height) == ("image/jpeg", 40, 30) and is_red(made.path, 0, 0)


def test_webp_if_allowed(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """As it is, or made from the others if their format need not be kept."""
    assert sent(saved(photo, tmp_path / "a", "WEBP"), out, allow_webp=True).mimetype == "image/webp"
    assert sent(saved(photo, tmp_path / "b", "JPEG"), out, allow_webp=True).mimetype == "image/jpeg"
    source = saved(photo, tmp_path / "c", "JPEG", quality=98)
    assert sent(source, out, allow_webp=True, keep_format=False).mimetype == "image/webp"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_kind_of_pixels(photo: Image.Image, tmp_path: Path, out: Path, mode: str) -> None:
    """They are all RGB in the end, and neither black nor white."""
    source = tmp_path / "a"
    grey = Image.new("I", (60, 40), 30000).convert("I;16") if mode == "I;16" else photo.resize((60, 40)).convert(mode)
    grey.save(source, "PNG" if mode in ("LA", "P", "I;16") else "TIFF")
    made = sent(source, out, keep_format=False, min_bytes=0, min_savings=-99)
    assert made.mimetype == "image/jpeg"
    assert 20 < sum(pixel(made.path, 0.5, 0.5)[:3]) / 3 < 235 or mode == "1"


def of_swapped_colours() -> bytes:
    """A profile in which red means blue, and the other way round: that of sRGB with two entries exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in ("sRGB", "sRGB".encode("utf-16-be").decode("latin-1")):
        profile = profile.replace(name.encode("latin-1"), name.replace("s", "t").encode("latin-1"))
    red, blue = (profile.index(name, 128) + 4 for name in (b"rXYZ", b"bXYZ"))
    changed = bytearray(profile)
    changed[red : red + 8], changed[blue : blue + 8] = profile[blue : blue + 8], profile[red : red + 8]
    return bytes(changed)


@pytest.mark.parametrize("profile", [of_swapped_colours(), b"x" * 200], ids=["swapped", "broken"])
def test_colours_are_those_of_srgb(tmp_path: Path, out: Path, profile: bytes) -> None:
    """What is blue by its profile is blue without it; a profile that is none changes nothing."""
    source = saved(Image.new("RGB", (60, 40), "red"), tmp_path / "a", "PNG", icc_profile=profile)
    made = sent(source, out, min_bytes=0, min_savings=-99)
    red, _, blue, _ = pixel(made.path, 0.5, 0.5)
    assert (red < 60 and blue > 200) if len(profile) > 200 else (red > 200 and blue < 60)
    with Image.open(made.path) as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("content", [b"", b"<html>no picture</html>", b"hello", b"MZ\x90\x00"])
def test_what_is_no_picture(tmp_path: Path, out: Path, content: bytes) -> None:
    """Is refused, whatever it is declared as."""
    source = tmp_path / "a.png"
    source.write_bytes(content)
    with pytest.raises(InvalidInput):
        prepare("image", source, "image/png", out, Compression())


def test_a_document_keeps_every_byte(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """A picture gets a thumbnail, a damaged one does not, and neither fails."""
    source = saved(photo, tmp_path / "a", "PNG")
    made = prepare("document", source, "image/png", out, Compression())
    assert made.path == source and made.thumbnail and made.mimetype == "image/png"
    source.write_bytes(source.read_bytes()[:2000])
    assert prepare("document", source, "image/png", out, Compression()).thumbnail == b""
    source.write_bytes(b"%PDF-1.4")
    assert prepare("document", source, "application/pdf", out, Compression()).path == source
