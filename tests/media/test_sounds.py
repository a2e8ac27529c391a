"""Audio and voice notes, as they are sent."""

import math
import struct
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from warest.errors import InvalidInput
from warest.media import ffmpeg
from warest.media.options import AudioOptions, Compression, Tools
from warest.media.prepare import prepare
from warest.media.probe import probe
from warest.media.sounds import Wave

Sample = Callable[[str], Path]

TOOLS = Tools()
OPUS = "audio/ogg; codecs=opus"


def spoken(path: Path, *loudness: float) -> Path:
    """A WAV with half a second of each loudness, 0 to 1; 16 kHz, stereo."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(16000)
        for loud in loudness:
            values = [int(32000 * loud * math.sin(at * 0.2)) for at in range(8000)]
            out.writeframes(b"".join(struct.pack("<hh", value, value) for value in values))
    return path


@pytest.mark.parametrize("name", ["tone.wav", "tone.mp3", "tone.m4a", "tone.ogg", "tone.flac", "tone.amr", "clip.mp4"])
def test_a_voice_note(sample: Sample, out: Path, name: str) -> None:
    """Opus in Ogg with one channel, whatever it was."""
    made = prepare("voice", sample(name), "", out, Compression())
    contents = probe(made.path, TOOLS)
    assert (made.mimetype, contents.audio, contents.is_mono, contents.video) == (OPUS, "opus", True, "")
    assert made.seconds == 1 and len(made.waveform) == 64 and max(made.waveform) == 100
    assert b"SECRET" not in made.path.read_bytes() and made.size == made.path.stat().st_size


def test_the_waveform_shows_what_is_heard(tmp_path: Path, out: Path) -> None:
    """Silence, half as loud, loud: a third of the bars each."""
    bars = prepare("voice", spoken(tmp_path / "a.wav", 0, 0.4, 0.8), "", out, Compression()).waveform
    assert max(bars[2:19]) <= 5 and max(bars[45:62]) >= 95 and all(35 < bar < 65 for bar in bars[24:40])


@pytest.mark.parametrize("chunk", [1, 7, 400, 4096])
def test_samples_come_in_any_pieces(chunk: int) -> None:
    """The bars are those of the whole; a second of 4000 samples."""
    data = b"".join(struct.pack("<h", at * 4) for at in range(4000))
    found = Wave()
    for at in range(0, len(data), chunk):
        found.take(data[at : at + chunk])
    whole = Wave()
    whole.take(data)
    assert found.bars() == whole.bars() and found.seconds == whole.seconds == 1.0
    assert list(whole.bars()) == sorted(whole.bars()) and whole.bars()[-1] == 100


def test_silence_and_nothing() -> None:
    """No division by the loudest."""
    assert Wave().bars() == bytes(64)
    silence = Wave()
    silence.take(bytes(8000))
    assert silence.bars() == bytes(64)


def test_a_voice_note_keeps_its_sound(sample: Sample, tmp_path: Path, out: Path) -> None:
    """It is not coded a second time."""
    first = prepare("voice", spoken(tmp_path / "a.wav", 0.5), "", out, Compression()).path.rename(
        tmp_path / "first.ogg"
    )
    second = prepare("voice", first, "", out, Compression()).path
    assert packets(second) == packets(first)


def packets(path: Path) -> bytes:
    command = [ffmpeg.find(), "-v", "error", "-i", str(path), "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.parametrize(("opus", "mimetype", "codec"), [(True, OPUS, "opus"), (False, "audio/mp4", "aac")])
def test_what_phones_do_not_play(sample: Sample, out: Path, opus: bool, mimetype: str, codec: str) -> None:
    """Is converted, whether or not anything is to be made smaller."""
    for enabled in (True, False):
        options = Compression(enabled=enabled, audio=AudioOptions(prefer_opus=opus))
        for name in ("tone.wav", "tone.flac", "clip.mp4"):
            made = prepare("audio", sample(name), "", out, options)
            assert (made.mimetype, probe(made.path, TOOLS).audio, made.seconds) == (mimetype, codec, 1)
            assert probe(made.path, TOOLS).video == ""


@pytest.mark.parametrize(
    ("name", "mimetype"),
    [
        ("tone.mp3", "audio/mpeg"),
        ("tone.m4a", "audio/mp4"),
        ("tone.ogg", OPUS),
        ("tone.aac", "audio/aac"),
        ("tone.amr", "audio/amr"),
    ],
)
def test_what_phones_play_stays(sample: Sample, out: Path, name: str, mimetype: str) -> None:
    """Unless it becomes smaller; here at a rate at which it does not."""
    for options in (Compression(enabled=False), Compression(audio=AudioOptions(bitrate_k=256, min_bytes=0))):
        made = prepare("audio", sample(name), "", out, options)
        assert (made.path, made.mimetype, made.seconds, made.saved) == (sample(name), mimetype, 1, 0)


def test_audio_becomes_smaller(sample: Sample, out: Path) -> None:
    """At a low rate."""
    made = prepare("audio", sample("tone.mp3"), "", out, Compression(audio=AudioOptions(bitrate_k=8, min_bytes=0)))
    assert made.mimetype == OPUS and made.saved > 0


@pytest.mark.parametrize("kind", ["audio", "voice"])
def test_a_video_without_sound_is_no_audio(sample: Sample, out: Path, kind: str) -> None:
    """And says so."""
    with pytest.raises(InvalidInput, match="no sound"):
        prepare("audio" if kind == "audio" else "voice", sample("silent.mp4"), "", out, Compression())
