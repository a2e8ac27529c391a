"""What a request may say of compression."""

from typing import Any

import pytest

from warest.errors import InvalidInput
from warest.media.options import Compression


def test_the_contracts_names() -> None:
    """Those of the sticker route, and those of the settings, in either spelling."""
    made = Compression().overridden({"quality": 70, "maxDimension": 300, "webpEffort": 6, "allow_webp": "true"})
    assert (made.image.quality, made.image.max_dimension, made.image.allow_webp) == (70, 300, True)
    assert (made.sticker.quality, made.sticker.size, made.sticker.effort) == (70, 300, 6)
    assert made.video == Compression().video and made.enabled
    assert Compression().overridden({"size": 96}).sticker.size == 96


def test_one_kind_only() -> None:
    """What stands below the name of a kind is for that one."""
    made = Compression().overridden(
        {"video": {"crf": "30", "minBytes": 1}, "audio": {"bitrateK": 32}, "enabled": False}
    )
    assert (made.video.crf, made.video.min_bytes, made.audio.bitrate_k, made.enabled) == (30, 1, 32, False)
    assert made.image == Compression().image and made.audio.min_bytes == Compression().audio.min_bytes


@pytest.mark.parametrize(
    ("given", "quality", "size"), [({"quality": 1000, "size": 5}, 100, 96), ({"quality": -1, "size": 1e300}, 1, 1024)]
)
def test_numbers_out_of_range_are_taken_to_its_end(given: dict[str, Any], quality: int, size: int) -> None:
    """As the original does with stickers."""
    made = Compression().overridden(given)
    assert (made.sticker.quality, made.sticker.size) == (quality, size)


@pytest.mark.parametrize("given", [{}, {"quality": None}, {"quality": ""}, {"unheardOf": 3}, {"image": 3}])
def test_what_says_nothing_changes_nothing(given: dict[str, Any]) -> None:
    """Later versions of a client may know more than we do."""
    assert Compression().overridden(given) == Compression()


@pytest.mark.parametrize(
    "given",
    [
        {"quality": "good"}, {"quality": True}, {"quality": []}, {"quality": "nan"}, {"preset": "warp"},
        {"preset": []}, {"keepFormat": "maybe"}, {"video": {"crf": {}}}, {"enabled": 7},
    ],
)  # fmt: skip
def test_wrong_types_are_refused(given: dict[str, Any]) -> None:
    """With the name of the option."""
    with pytest.raises(InvalidInput, match="Compression option"):
        Compression().overridden(given)
