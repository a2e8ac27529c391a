"""Videos and GIFs, as they are sent."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from warest.errors import InvalidInput
from warest.media import ffmpeg
from warest.media.options import Compression, Kind, Tools, VideoOptions
from warest.media.prepare import prepare
from warest.media.prepared import Prepared
from warest.media.probe import Contents, probe

Sample = Callable[[str], Path]

TOOLS = Tools()
AS_IT_IS = Compression(enabled=False)
QUICK = VideoOptions(preset="ultrafast", min_bytes=0)


def sent(source: Path, out: Path, options: Compression, kind: Kind = "video") -> tuple[Prepared, Contents]:
    """With all that is true of every answer: it plays everywhere, and says nothing of where it comes from."""
    made = prepare(kind, source, "", out, options)
    contents = probe(made.path, TOOLS)
    assert (made.mimetype, contents.video, contents.pixels) == ("video/mp4", "h264", "yuv420p")
    assert (made.width, made.height) == (contents.width, contents.height) and not contents.is_turned
    assert contents.audio in ("", "aac") and made.seconds == max(1, round(contents.seconds))
    content = made.path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat") and b"SECRET" not in content
    assert made.size == len(content) and made.saved == source.stat().st_size - len(content)
    with Image.open(io.BytesIO(made.thumbnail)) as small:
        assert small.format == "JPEG" and max(small.size) <= 100 and len(made.thumbnail) <= 4096
    return made, contents


CONTAINERS = ("mp4", "webm", "mkv", "mov", "avi", "flv", "wmv", "mpg", "ts", "3gp", "ogv")


@pytest.mark.parametrize("name", [*(f"clip.{ending}" for ending in CONTAINERS), "odd.mkv"])
@pytest.mark.parametrize("options", [Compression(video=QUICK), AS_IT_IS], ids=["smaller", "preserved"])
def test_every_container(sample: Sample, out: Path, name: str, options: Compression) -> None:
    """They become MP4, sizes are even, and sound stays sound."""
    made, contents = sent(sample(name), out, options)
    assert (made.width, made.height) in ((160, 120), (160, 122))
    assert contents.has_audio == probe(sample(name), TOOLS).has_audio


def test_width_and_quality(sample: Sample, out: Path) -> None:
    """The shape stays."""
    source = sample("wide.mp4")
    large, _ = sent(source, out, Compression(video=VideoOptions(preset="ultrafast", crf=20, min_bytes=0)))
    assert (large.width, large.height) == (400, 200)
    small, _ = sent(source, out, Compression(video=VideoOptions(preset="ultrafast", max_width=101, min_bytes=0)))
    assert (small.width, small.height) == (100, 50) and small.size < large.size < source.stat().st_size


@pytest.mark.parametrize(
    "options",
    [
        AS_IT_IS,
        Compression(video=VideoOptions(min_bytes=10**9)),
        Compression(video=VideoOptions(preset="ultrafast", crf=0, min_bytes=0, min_savings=0.9)),
    ],
)
def test_the_original_pictures_stay(sample: Sample, out: Path, options: Compression) -> None:
    """If they are to be preserved, are few, or little would be gained; only its container is written anew."""
    made, _ = sent(sample("clip.mp4"), out, options)
    assert made.path.name == "copy.mp4"
    assert frames_of(made.path) == frames_of(sample("clip.mp4"))


def frames_of(path: Path) -> bytes:
    """Checksums of the decoded pictures."""
    command = [ffmpeg.find(), "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize("options", [Compression(video=QUICK), AS_IT_IS], ids=["smaller", "preserved"])
def test_a_phone_held_upright(sample: Sample, tmp_path: Path, out: Path, options: Compression) -> None:
    """Its video lies on the side, and says so; what is sent stands."""
    turned = tmp_path / "turned.mp4"
    command = [ffmpeg.find(), "-v", "error", "-display_rotation", "90", "-i", str(sample("wide.mp4"))]
    subprocess.run([*command, "-c", "copy", str(turned)], check=True)
    contents = probe(turned, TOOLS)
    assert contents.is_turned and (contents.width, contents.height) == (200, 400)
    made, _ = sent(turned, out, options)
    assert (made.width, made.height) == (200, 400)


@pytest.mark.parametrize("name", ["moving.gif", "clip.mp4", "clip.webm"])
def test_a_gif_is_a_video_without_sound(sample: Sample, out: Path, name: str) -> None:
    """Whether it was a GIF or a video before."""
    made, contents = sent(sample(name), out, Compression(video=QUICK), kind="gif")
    assert not contents.has_audio and made.seconds == 1


def test_what_is_good_does_not_fail_for_being_too_much(tmp_path: Path, out: Path) -> None:
    """Making it smaller is given up, and the original is sent; what has to be converted fails."""
    hopeless = Compression(video=VideoOptions(preset="ultrafast", crf=0, min_bytes=0))
    tools = Tools(output_mb=1)
    picture = ["-f", "lavfi", "-i", "testsrc2=s=640x480:d=2:r=25,noise=alls=50"]
    small = ["-preset", "ultrafast", "-crf", "45", "-pix_fmt", "yuv420p"]
    good, other = tmp_path / "good.mp4", tmp_path / "other.avi"
    subprocess.run([ffmpeg.find(), "-v", "error", *picture, *small, str(good)], check=True)
    subprocess.run([ffmpeg.find(), "-v", "error", *picture, "-c:v", "mpeg4", "-q:v", "31", str(other)], check=True)
    assert prepare("video", good, "", out, hopeless, tools).path.name == "copy.mp4"
    with pytest.raises(InvalidInput, match="larger than 1 MB"):
        prepare("video", other, "", out, hopeless, tools)


@pytest.mark.parametrize("name", ["tone.wav", "tone.mp3", "tone.m4a"])
def test_sound_alone_is_no_video(sample: Sample, out: Path, name: str) -> None:
    """And says so."""
    with pytest.raises(InvalidInput, match="no picture"):
        prepare("video", sample(name), "video/mp4", out, Compression())
