import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image, ImageDraw

#: A picture, a rate of 10 and a second are enough, and x264 is quick with them.
_VIDEO = ("-f", "lavfi", "-i", "testsrc2=s=160x120:d=1:r=10")
_SOUND = ("-f", "lavfi", "-i", "sine=d=1")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")

#: What each sample is made from. Those with a place and a title say where they were taken.
_MADE: dict[str, tuple[str, ...]] = {
    "clip.mp4": (
        *(*_VIDEO, *_SOUND, *_H264, "-crf", "1", "-c:a", "aac", "-b:a", "32k"),
        *("-metadata", "title=SECRET-TITLE", "-metadata", "location=+12.3400+056.7800/"),
    ),
    "silent.mp4": (*_VIDEO, *_H264),
    "clip.webm": (*_VIDEO, *_SOUND, "-c:v", "libvpx", "-cpu-used", "8", "-deadline", "realtime", "-c:a", "libopus"),
    "clip.mkv": (*_VIDEO, *_SOUND, *_H264, "-c:a", "aac"),
    "clip.mov": (*_VIDEO, *_H264),
    "clip.avi": (*_VIDEO, "-c:v", "mpeg4"),
    "clip.flv": (*_VIDEO, "-c:v", "flv"),
    "clip.wmv": (*_VIDEO, *_SOUND, "-c:v", "wmv2", "-c:a", "wmav2"),
    "clip.mpg": (*_VIDEO, *_SOUND, "-r", "25", "-c:v", "mpeg2video", "-c:a", "mp2"),
    "clip.ts": (*_VIDEO, *_SOUND, *_H264, "-c:a", "aac"),
    "clip.3gp": (*_VIDEO, *_H264),
    "clip.ogv": (*_VIDEO, "-c:v", "libtheora"),
    "odd.mkv": ("-f", "lavfi", "-i", "testsrc2=s=161x121:d=0.5:r=10", "-c:v", "mpeg4"),
    "wide.mp4": ("-f", "lavfi", "-i", "testsrc2=s=400x200:d=0.5:r=10", *_H264, "-crf", "1"),
    "long.mp4": ("-f", "lavfi", "-i", "testsrc2=s=160x120:d=12:r=5", *_H264, "-movflags", "+faststart"),
    "moving.gif": ("-f", "lavfi", "-i", "testsrc2=s=80x60:d=1:r=10"),
    "tone.wav": _SOUND,
    "tone.mp3": (*_SOUND, "-b:a", "32k"),
    "tone.m4a": (*_SOUND, "-c:a", "aac", "-b:a", "24k"),
    "tone.ogg": (*_SOUND, "-c:a", "libopus", "-b:a", "16k", "-metadata", "title=SECRET-TITLE"),
    "tone.flac": _SOUND,
    "tone.amr": (*_SOUND, "-ac", "1", "-ar", "8000", "-c:a", "libopencore_amrnb"),
    "tone.aac": (*_SOUND, "-c:a", "aac"),
}


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A media file that a real ffmpeg has made, once; the bundled one, since others may lack an encoder."""
    folder = tmp_path_factory.mktemp("samples")

    def made(name: str) -> Path:
        path = folder / name
        if not path.exists():
            subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *_MADE[name], str(path)], check=True)
        return path

    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder that is prepared into."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def photo() -> Image.Image:
    """400x300: red on the left, blue on the right, and some noise, as a camera sees it."""
    image = Image.effect_noise((400, 300), 40).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 99, 299), "red")
    draw.rectangle((300, 0, 399, 299), "blue")
    return image
