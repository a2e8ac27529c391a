"""Thumbnails and edited pictures, as the misc routes give them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from warest.errors import InvalidInput
from warest.media.editing import Made, edited, thumbnails

Sample = Callable[[str], Path]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """64x48, as in the recorded cases: the left half red, the right one blue."""
    image = Image.new("RGB", (64, 48), "red")
    image.paste((0, 0, 255), (32, 0, 64, 48))
    image.save(tmp_path / "a.png")
    return tmp_path / "a.png"


def checked(made: Made) -> Image.Image:
    """The picture, if what is said of it is true."""
    with Image.open(made.path) as image:
        assert Image.MIME[str(image.format)] == made.mimetype and image.size == (made.width, made.height)
        assert made.size == made.path.stat().st_size
        return image.convert("RGB")


def at(image: Image.Image, x: int, y: int) -> str:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return "black" if max(found) < 60 else ("red", "green", "blue")[found.index(max(found))]


def test_a_thumbnail_of_a_picture(source: Path, out: Path) -> None:
    """Exactly that size, and the middle of the picture; one, whatever the count."""
    (made,) = thumbnails("image", source, 40, 40, 3, out)
    assert (made.mimetype, made.format, made.width, made.height) == ("image/jpeg", "jpeg", 40, 40)
    image = checked(made)
    assert (at(image, 5, 20), at(image, 35, 20)) == ("red", "blue")
    assert checked(thumbnails("image", source, 1024, 16, 1, out)[0]).size == (1024, 16)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.avi", "moving.gif"])
def test_thumbnails_of_a_video(sample: Sample, out: Path, name: str) -> None:
    """So many, and each of another moment."""
    made = thumbnails("video", sample(name), 64, 48, 3, out)
    assert len({each.path.read_bytes() for each in made}) == 3
    assert all(checked(each).size == (64, 48) for each in made)


@pytest.mark.parametrize(("kind", "name"), [("image", "clip.mp4"), ("video", "tone.wav"), ("image", "tone.wav")])
def test_not_of_that_kind(sample: Sample, out: Path, kind: Any, name: str) -> None:
    """And says so."""
    with pytest.raises(InvalidInput):
        thumbnails(kind, sample(name), 64, 48, 3, out)


@pytest.mark.parametrize("word", ["png", "jpg", "JPG", "jpeg", "webp", "tiff", "avif"])
def test_convert(source: Path, out: Path, word: str) -> None:
    """The answer says the word that was asked for, in small letters."""
    made = edited(source, {"convert": word}, out)
    assert (made.format, made.converted, made.resized, made.compressed) == (word.lower(), word != "png", False, False)
    assert at(checked(made), 5, 5) == "red"


@pytest.mark.parametrize(("form", "word"), [("JPEG", "jpeg"), ("WEBP", "webp"), ("TIFF", "tiff"), ("GIF", "png")])
def test_nothing_asked_for(source: Path, out: Path, form: str, word: str) -> None:
    """It stays what it is, if we write that."""
    with Image.open(source) as image:
        image.save(out / "a", form)
    made = edited(out / "a", {}, out)
    assert (made.format, made.converted) == (word, form == "GIF") and checked(made).size == (64, 48)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ({"width": 20, "height": 10}, (20, 10)),
        ({"width": 20, "height": 10, "fit": "cover"}, (20, 10)),
        ({"width": 20, "height": 10, "fit": "contain"}, (20, 10)),
        ({"width": 20, "height": 10, "fit": "fill"}, (20, 10)),
        ({"width": 20, "height": 10, "fit": "inside"}, (13, 10)),
        ({"width": 20, "height": 10, "fit": "outside"}, (20, 15)),
        ({"width": 128, "height": 128, "fit": "inside"}, (128, 96)),
        ({"width": 32}, (32, 24)),
        ({"height": 24.0}, (32, 24)),
        ({"width": 10, "fit": "fill"}, (10, 48)),
        ({"width": 1}, (1, 1)),
    ],
)
def test_resize(source: Path, out: Path, shape: dict[str, Any], size: tuple[int, int]) -> None:
    """The sizes that sharp gives."""
    made = edited(source, {"resize": shape}, out)
    assert checked(made).size == size and made.resized and made.format == "png"


def test_what_is_where_after_resizing(source: Path, out: Path) -> None:
    """`contain` has bars, `fill` everything, `cover` the middle."""
    tall = {"width": 20, "height": 60}
    contained = checked(edited(source, {"resize": {**tall, "fit": "contain"}}, out))
    assert (at(contained, 3, 3), at(contained, 3, 30), at(contained, 16, 30)) == ("black", "red", "blue")
    filled = checked(edited(source, {"resize": {**tall, "fit": "fill"}}, out))
    assert (at(filled, 3, 3), at(filled, 16, 57)) == ("red", "blue")


@pytest.mark.parametrize("word", ["jpg", "png", "webp", "avif"])
def test_compress(photo: Image.Image, tmp_path: Path, out: Path, word: str) -> None:
    """Less quality, fewer bytes; out of range is taken to its end."""
    photo.save(tmp_path / "a.png")
    sizes = [edited(tmp_path / "a.png", {"convert": word, "compress": {"quality": q}}, out).size for q in (-5, 50, 500)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]
    assert edited(tmp_path / "a.png", {"convert": word, "compress": {}}, out).compressed


@pytest.mark.parametrize(
    "actions",
    [
        {"convert": "bmp"}, {"convert": 3}, {"resize": 3}, {"resize": {"width": "20"}}, {"resize": {"width": 0}},
        {"resize": {"width": 10**9}}, {"resize": {"width": float("nan")}}, {"resize": {"width": 9, "fit": "odd"}},
        {"resize": {"height": True}}, {"compress": {"quality": "x"}}, {"compress": {"quality": float("nan")}},
    ],
)  # fmt: skip
def test_nonsense(source: Path, out: Path, actions: dict[str, Any]) -> None:
    """Is refused before anything is decoded."""
    with pytest.raises(InvalidInput):
        edited(source, actions, out)


def test_a_long_strip_does_not_explode(tmp_path: Path, out: Path) -> None:
    """One side alone brings the other along, up to a limit."""
    Image.new("RGB", (1, 3)).save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="too large"):
        edited(tmp_path / "a.png", {"resize": {"width": 8000}}, out)
