"""Audio, as WhatsApp plays it; voice notes are Opus in Ogg, one channel, with the waveform that is shown."""

import sys
from array import array
from pathlib import Path

from warest.errors import InvalidInput
from warest.media import ffmpeg, pixels
from warest.media.options import Compression, Tools
from warest.media.prepared import Prepared
from warest.media.probe import Contents, probe

#: Longer ones are refused, seconds.
SECONDS = 12 * 3600

#: Of a voice note, kbit/s: more cannot be heard.
_VOICE_K = 32

_OPUS = "audio/ogg; codecs=opus"

#: What phones play as it is.
_PLAYED = frozenset({_OPUS, "audio/mpeg", "audio/mp4", "audio/aac", "audio/amr"})

#: Of the sound that the waveform is made of, Hz; and how many samples make one step of it: a twentieth of a second.
_RATE, _STEP = 4000, 200

_BARS = 64


def prepare(source: Path, folder: Path, options: Compression, tools: Tools) -> Prepared:
    """The smaller one that is worth it, else the source if phones play it. Raises InvalidInput, Unsupported."""
    contents = _checked(source, tools)
    kind, size = pixels.type_of(source), source.stat().st_size
    is_played = kind in _PLAYED and not contents.video
    path, mimetype = source, kind
    if not is_played or (options.enabled and size >= options.audio.min_bytes):
        path, mimetype = _converted(source, folder, options, tools)
        if is_played and path.stat().st_size > size * (1 - options.audio.min_savings):
            path, mimetype = source, kind
    made = path.stat().st_size
    return Prepared(path, mimetype, made, seconds=_length(path, tools), saved=size - made)


def prepare_voice(source: Path, folder: Path, tools: Tools) -> Prepared:
    """As a voice note: what is one already keeps its sound. Raises InvalidInput, Unsupported."""
    contents = _checked(source, tools)
    keeps = pixels.type_of(source) == _OPUS and contents.is_mono and contents.audio == "opus"
    coded = ("-c", "copy") if keeps else ("-c:a", "libopus", "-b:a", f"{_VOICE_K}k", "-application", "voip")
    shaped = () if keeps else ("-ac", "1", "-ar", "48000")
    path = _make(source, folder / "voice.ogg", tools, *coded, *shaped, "-f", "ogg")
    wave = Wave()
    arguments = ["-v", "error", *ffmpeg.reading(path, tools.threads), "-map", "0:a:0", "-ac", "1", "-ar", str(_RATE)]
    ffmpeg.run([*arguments, "-f", "s16le", "-"], tools, taken=wave.take)
    made = path.stat().st_size
    seconds = max(1, round(wave.seconds))
    saved = source.stat().st_size - made
    return Prepared(path, _OPUS, made, seconds=seconds, waveform=wave.bars(), saved=saved)


def _checked(source: Path, tools: Tools) -> Contents:
    contents = probe(source, tools)
    if not contents.has_audio:
        raise InvalidInput("There is no sound in this file that can be read")
    if contents.seconds > SECONDS:
        raise InvalidInput(f"This audio is longer than {SECONDS // 3600} hours")
    return contents


def _converted(source: Path, folder: Path, options: Compression, tools: Tools) -> tuple[Path, str]:
    rate = f"{options.audio.bitrate_k}k"
    if options.audio.prefer_opus:
        return _make(source, folder / "audio.ogg", tools, "-c:a", "libopus", "-b:a", rate, "-f", "ogg"), _OPUS
    coded = ("-c:a", "aac", "-b:a", rate, "-ac", "2", "-movflags", "+faststart", "-f", "mp4")
    return _make(source, folder / "audio.m4a", tools, *coded), "audio/mp4"


def _make(source: Path, path: Path, tools: Tools, *how: str) -> Path:
    read = ffmpeg.reading(source, tools.threads)
    most = tools.output_mb * 1024 * 1024
    dropped = ("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_metadata:s:a", "-1")
    limits = ("-t", str(SECONDS), "-fs", str(most))
    ffmpeg.run(["-y", "-v", "error", *read, *dropped, *how, *limits, f"file:{path}"], tools)
    if path.stat().st_size >= most:
        raise InvalidInput(f"This audio becomes larger than {tools.output_mb} MB", limit="size")
    return path


def _length(path: Path, tools: Tools) -> int:
    """Seconds; at least one."""
    return max(1, round(probe(path, tools).seconds))


class Wave:
    """The loudness of a sound over time, from samples (16 bit, one channel) that come piece by piece."""

    def __init__(self) -> None:
        self._rest = b""
        self._steps = array("f")

    def take(self, chunk: bytes) -> None:
        data = self._rest + chunk
        whole = len(data) - len(data) % (2 * _STEP)
        samples = array("h", data[:whole])
        if sys.byteorder == "big":
            samples.byteswap()
        for at in range(0, len(samples), _STEP):
            self._steps.append(sum(map(abs, samples[at : at + _STEP])) / _STEP)
        self._rest = data[whole:]

    @property
    def seconds(self) -> float:
        return (len(self._steps) + len(self._rest) / 2 / _STEP) * _STEP / _RATE

    def bars(self) -> bytes:
        """64 values from 0 to 100, the loudest 100; nothing but silence is 0."""
        count = len(self._steps)
        parts = [self._steps[count * bar // _BARS : max(count * (bar + 1) // _BARS, count * bar // _BARS + 1)]
                 for bar in range(_BARS)]  # fmt: skip
        means = [sum(part) / len(part) if part else 0.0 for part in parts]
        return bytes(round(100 * mean / max(means)) if max(means) >= 1 else 0 for mean in means)
