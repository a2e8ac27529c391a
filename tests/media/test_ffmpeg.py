"""The fence around ffmpeg."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.waiting import eventually
from warest.errors import DriverError, InvalidInput, Unsupported
from warest.media import ffmpeg
from warest.media.options import Tools
from warest.media.probe import Contents, probe

Sample = Callable[[str], Path]

#: It never ends by itself.
ENDLESS = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=60"]


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_which_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured one, then that of the system, then the bundled one."""
    own, configured = program(tmp_path / "ffmpeg"), program(tmp_path / "other")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "imageio_ffmpeg" in ffmpeg.find() and "imageio_ffmpeg" in ffmpeg.find("/not/there")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg.find() == str(own) and ffmpeg.find(str(configured)) == str(configured)


def test_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to mend it."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(Unsupported, match="FFMPEG_PATH"):
        ffmpeg.find()


def test_one_that_is_none(tmp_path: Path) -> None:
    """The host is at fault, not the file."""
    other = tmp_path / "ffmpeg"
    other.write_bytes(b"\x7fELF of another machine")
    other.chmod(0o755)
    with pytest.raises(DriverError, match="cannot be run"):
        ffmpeg.run([], Tools(ffmpeg=str(other)))


def test_what_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    """A script that leaves a child behind stands for an ffmpeg that does."""
    script, told = tmp_path / "slow", tmp_path / "child"
    script.write_text(f"#!/bin/sh\n/bin/sleep 1000 & echo $! > {told}\nwait\n")
    script.chmod(0o755)
    with pytest.raises(InvalidInput, match="longer than 1 s") as error:
        ffmpeg.run([], Tools(ffmpeg=str(script), seconds=1))
    assert error.value.details == {"limit": "time"}
    child = Path(f"/proc/{told.read_text().strip()}")
    eventually(lambda: not child.exists() or "State:\tZ" in (child / "status").read_text())


def test_time(tmp_path: Path) -> None:
    """The real one, on a job without end that writes nothing."""
    with pytest.raises(InvalidInput, match="longer than") as error:
        ffmpeg.run([*ENDLESS, "-f", "null", "-"], Tools(seconds=0.5))
    assert error.value.details == {"limit": "time"}


def test_output(tmp_path: Path) -> None:
    """Past the limit the kernel ends it; here it would write 28 MB."""
    with pytest.raises(InvalidInput, match="larger than 1 MB") as error:
        ffmpeg.run([*ENDLESS, "-frames:v", "20", "-f", "rawvideo", str(tmp_path / "out")], Tools(output_mb=1))
    assert error.value.details == {"limit": "size"} and (tmp_path / "out").stat().st_size <= 2 * 1024 * 1024


def test_memory() -> None:
    """A picture of 200 MB does not fit into an address space of 256."""
    picture = ["-v", "error", "-f", "lavfi", "-i", "color=s=16000x12000", "-frames:v", "1", "-f", "null", "-"]
    assert "Cannot allocate" not in ffmpeg.run(picture, Tools(memory_mb=8192), fails=False)
    assert "Cannot allocate" in ffmpeg.run(picture, Tools(memory_mb=256), fails=False)


def test_what_it_tells_is_bounded(tmp_path: Path) -> None:
    """Megabytes of complaints are read, so that it can go on, but not kept; nor is the environment handed on."""
    script = tmp_path / "loud"
    script.write_text("#!/bin/sh\n/usr/bin/env >&2\n/usr/bin/head -c 5000000 /dev/zero >&2\n")
    script.chmod(0o755)
    os.environ["WAREST_TEST_SECRET"] = "hush"
    told = ffmpeg.run([], Tools(ffmpeg=str(script)))
    del os.environ["WAREST_TEST_SECRET"]
    assert len(told) == 65536 and "hush" not in told


def test_a_codec_that_nobody_uses_is_not_decoded(tmp_path: Path) -> None:
    """Old and rare decoders are where the bugs are."""
    path = tmp_path / "a.mkv"
    made = [shutil.which("ffmpeg") or ffmpeg.find(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.2"]
    subprocess.run([*made, "-c:v", "ffv1", str(path)], check=True)
    with pytest.raises(InvalidInput, match="coded in a way that is not supported"):
        ffmpeg.run(["-v", "error", *ffmpeg.reading(path), "-f", "null", "-"], Tools())


@pytest.mark.parametrize(
    "content", [b"", b"#EXTM3U\n", b"ffconcat version 1.0\n", b"<MPD>", b"hello", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_never_handed_to_it(tmp_path: Path, content: bytes) -> None:
    """It would make something of nearly everything."""
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(InvalidInput, match="neither video nor audio"):
        ffmpeg.reading(tmp_path / "a.mp4")


def test_probe(sample: Sample) -> None:
    """Length, size, and what it is coded in."""
    tools = Tools()
    assert probe(sample("silent.mp4"), tools) == Contents(1.0, 160, 120, "h264", "yuv420p")
    clip = probe(sample("clip.mp4"), tools)
    assert (clip.audio, clip.has_audio, clip.is_mono) == ("aac", True, True)
    assert probe(sample("tone.mp3"), tools).video == "" and 0.9 < probe(sample("tone.mp3"), tools).seconds < 1.2


def test_a_cover_is_no_video(sample: Sample, tmp_path: Path) -> None:
    """Many songs have one."""
    path = tmp_path / "a.mp3"
    cover = ["-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.1", "-map", "0", "-map", "1", "-frames:v", "1", "-c:v", "mjpeg"]
    made = [ffmpeg.find(), "-v", "error", "-i", str(sample("tone.mp3")), *cover, "-disposition:v", "attached_pic"]
    subprocess.run([*made, "-c:a", "copy", str(path)], check=True)
    assert probe(path, Tools()).video == "" and probe(path, Tools()).audio == "mp3"


def test_probe_of_nonsense(tmp_path: Path) -> None:
    """A header and nothing behind it."""
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(100))
    with pytest.raises(InvalidInput, match="its index is missing"):
        probe(tmp_path / "a.mp4", Tools())
