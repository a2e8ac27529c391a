"""The settings of compression arrive where they are used."""

import pytest

from warest.config.media_settings import compression_of, tools_of
from warest.config.settings import Settings, from_env, names_of
from warest.errors import SetupError
from warest.media.options import AudioOptions, Compression, ImageOptions, Tools, VideoOptions

#: Every one of the original, with a value that is not its default.
OTHER = {
    "ENABLED": "false", "MIN_SAVINGS_RATIO": ".5", "MIN_BYTES": "1", "IMAGE_MAX_DIMENSION": "100",
    "IMAGE_QUALITY": "11", "IMAGE_ALLOW_WEBP": "true", "IMAGE_KEEP_FORMAT": "false", "IMAGE_PNG_TO_JPEG": "false",
    "IMAGE_PNG_LEVEL": "3", "IMAGE_MIN_SAVINGS_RATIO": ".2", "IMAGE_MIN_BYTES": "2", "VIDEO_MAX_WIDTH": "200",
    "VIDEO_CRF": "20", "VIDEO_PRESET": "Fast", "VIDEO_AUDIO_BITRATE_K": "64", "VIDEO_MIN_SAVINGS_RATIO": ".3",
    "VIDEO_MIN_BYTES": "3", "AUDIO_BITRATE_K": "48", "AUDIO_PREFER_OPUS": "false", "AUDIO_MIN_SAVINGS_RATIO": ".1",
    "AUDIO_MIN_BYTES": "4", "FFMPEG_PATH": "/f",
}  # fmt: skip


def test_nothing_has_to_be_set() -> None:
    """The defaults of the settings are those of the options, which are the contract's."""
    assert compression_of(Settings()) == Compression()
    assert tools_of(Settings()) == Tools()


def test_every_variable_of_the_original_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in its place; a setting that went nowhere would leave a default."""
    for name, value in OTHER.items():
        monkeypatch.setenv(f"WAREST_COMPRESS_{name}", value)
    assert compression_of(from_env()) == Compression(
        enabled=False,
        image=ImageOptions(
            max_dimension=100, quality=11, allow_webp=True, keep_format=False, png_to_jpeg=False, png_level=3,
            min_savings=0.2, min_bytes=2,
        ),
        video=VideoOptions(max_width=200, crf=20, preset="fast", audio_bitrate_k=64, min_savings=0.3, min_bytes=3),
        audio=AudioOptions(bitrate_k=48, prefer_opus=False, min_savings=0.1, min_bytes=4),
        min_savings=0.5,
        min_bytes=1,
    )  # fmt: skip
    assert tools_of(from_env()).ffmpeg == "/f"
    monkeypatch.setenv("FFMPEG_PATH", "/first")
    assert tools_of(from_env()).ffmpeg == "/first"


def test_every_variable_of_the_original_is_known() -> None:
    """None is missing from the list above either."""
    ours = {"TIMEOUT_SEC", "MEMORY_MB", "OUTPUT_MB"}
    known = {name for field in Settings.model_fields.values() for name in names_of(field)}
    compress = {name.removeprefix("WAREST_COMPRESS_") for name in known if name.startswith("WAREST_COMPRESS_")}
    assert compress - ours == {*OTHER}


@pytest.mark.parametrize(
    ("name", "value"), [("IMAGE_QUALITY", "0"), ("VIDEO_PRESET", "warp"), ("MIN_SAVINGS_RATIO", "1")]
)
def test_nonsense_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """With the name of the variable."""
    monkeypatch.setenv(f"WAREST_COMPRESS_{name}", value)
    with pytest.raises(SetupError, match=f"WAREST_COMPRESS_{name}"):
        from_env()
