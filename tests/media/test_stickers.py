"""Stickers, as they are sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from warest.errors import InvalidInput
from warest.media import private
from warest.media.options import Compression, Pack, StickerOptions
from warest.media.prepare import prepare
from warest.media.prepared import Prepared

PACK = Pack(id="com.example", name="Päck", publisher="Ani", emojis=("😀", "🎉"))


def sent(source: Path, out: Path, **options: Any) -> Prepared:
    """With all that is true of every answer."""
    made = prepare("sticker", source, "", out, Compression(sticker=StickerOptions(**options)))
    assert made.mimetype == "image/webp" and made.size == made.path.stat().st_size <= 500_000
    with Image.open(made.path) as image:
        assert image.format == "WEBP" and image.size == (made.width, made.height)
        assert getattr(image, "n_frames", 1) == 1 or made.is_animated
    return made


def said(path: Path) -> Any:
    """What WhatsApp reads of the pack: JSON behind a TIFF header of 22 bytes, in the tag 0x5741."""
    with Image.open(path) as image:
        exif = image.info["exif"]
    assert (
        exif[:14] == b"II*\0\x08\0\0\0\x01\0\x41\x57\x07\0" and int.from_bytes(exif[14:18], "little") == len(exif) - 22
    )
    return json.loads(exif[22:])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_a_picture(photo: Image.Image, tmp_path: Path, out: Path, form: str) -> None:
    """In the middle of the square, nothing above and below it."""
    photo.save(tmp_path / "a", form)
    made = sent(tmp_path / "a", out)
    assert (made.width, made.height, made.is_animated) == (512, 512, False)
    with Image.open(made.path) as image:
        top, middle = (image.convert("RGBA").getpixel((20, y)) for y in (10, 256))
    assert isinstance(top, tuple) and isinstance(middle, tuple)
    assert top[3] == 0 and middle[3] == 255 and middle[0] > 200 > 60 > middle[2]


def test_the_pack(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """Name, publisher and emojis; of an animation too."""
    photo.save(tmp_path / "a.png")
    moving(tmp_path / "b.webp", 3)
    for name in ("a.png", "b.webp"):
        assert said(sent(tmp_path / name, out, pack=PACK).path) == {
            "sticker-pack-id": "com.example",
            "sticker-pack-name": "Päck",
            "sticker-pack-publisher": "Ani",
            "emojis": ["😀", "🎉"],
        }


def moving(path: Path, count: int, length: int = 100, side: int = 512) -> Path:
    frames = [Image.new("RGBA", (side, side), (255, at * 255 // count, 0, 255)) for at in range(count)]
    frames[0].save(path, path.suffix[1:], save_all=True, append_images=frames[1:], duration=length, loop=0)
    return path


def test_a_sticker_stays_as_it_is(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """With its pack; another EXIF is dropped, and a new pack is written beside the same pixels."""
    resized = photo.resize((512, 512))
    resized.save(tmp_path / "plain.webp")
    plain = sent(tmp_path / "plain.webp", out)
    assert plain.path == tmp_path / "plain.webp"
    packed = sent(plain.path, out, pack=PACK).path.rename(tmp_path / "packed.webp")
    assert sent(packed, out).path == packed and said(packed)["sticker-pack-name"] == "Päck"
    assert said(sent(packed, out, pack=Pack(name="Other")).path)["sticker-pack-name"] == "Other"
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE"
    resized.save(tmp_path / "private.webp", exif=exif, xmp=b"SECRET-XMP")
    cleaned = sent(tmp_path / "private.webp", out).path
    assert b"SECRET" not in cleaned.read_bytes()
    with Image.open(plain.path) as a, Image.open(packed) as b, Image.open(cleaned) as c:
        assert a.tobytes() == b.tobytes() == c.tobytes()


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_an_animation(tmp_path: Path, out: Path, name: str) -> None:
    """It moves as fast as before."""
    made = sent(moving(tmp_path / name, 6, 200, side=100), out)
    assert made.is_animated
    with Image.open(made.path) as image:
        image.load()
        assert getattr(image, "n_frames", 1) == 6 and image.info["duration"] == 200


@pytest.mark.parametrize(("length", "stays"), [(100, True), (5, False), (0, False), (5000, False)])
def test_an_animation_that_fits(tmp_path: Path, out: Path, length: int, stays: bool) -> None:
    """It stays as it is, unless its frames are shorter than WhatsApp shows them, or all of them too long."""
    source = moving(tmp_path / "a.webp", 3, length)
    assert (sent(source, out).path == source) == stays


def test_it_ends_after_ten_seconds(tmp_path: Path, out: Path) -> None:
    """Of 20 seconds, ten are left."""
    made = sent(moving(tmp_path / "a.gif", 20, 1000, side=64), out, size=96)
    with Image.open(made.path) as image:
        assert getattr(image, "n_frames", 1) == 10
    assert (made.width, made.height) == (96, 96)


def test_a_video(sample: Callable[[str], Path], out: Path) -> None:
    """With transparent bars."""
    made = sent(sample("clip.mp4"), out, size=128)
    assert made.is_animated and (made.width, made.height) == (128, 128)
    with Image.open(made.path) as image:
        top = image.convert("RGBA").getpixel((64, 2))
    assert isinstance(top, tuple) and top[3] == 0


def test_below_500_kb(tmp_path: Path, out: Path) -> None:
    """Noise is the worst there is: less quality, and fewer pictures."""
    frames = [Image.effect_noise((400, 400), 120).convert("RGB") for _ in range(10)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=200, quality=90)
    assert (tmp_path / "a.webp").stat().st_size > 500_000
    assert sent(tmp_path / "a.webp", out, quality=100, effort=0).is_animated


def test_parts_of_a_webp_that_do_not_add_up(photo: Image.Image, tmp_path: Path, out: Path) -> None:
    """Are refused."""
    photo.save(tmp_path / "a.webp")
    (tmp_path / "b.webp").write_bytes((tmp_path / "a.webp").read_bytes()[:500])
    with pytest.raises(InvalidInput):
        prepare("sticker", tmp_path / "b.webp", "", out, Compression())
    with pytest.raises(InvalidInput):
        private.webp_with(tmp_path / "b.webp", None, out / "c.webp")
