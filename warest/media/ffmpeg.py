"""Running ffmpeg on files that strangers have made.

It is told what the file is (by our reading of its first bytes) and opens nothing but that file: its own guess could
make a playlist of it, and read other files or URLs. It gets no shell, no terminal, two threads, and limits on time,
memory, processor time and output; when its time is over it is killed with all that it started.
"""

import os
import resource
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from warest.errors import DriverError, InvalidInput, Unsupported
from warest.media.options import Tools
from warest.media.rules import HEAD, sniffed

#: ffmpeg's demuxer for each type that we hand to it.
DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/x-ms-asf": "asf",
    "video/mpeg": "mpeg",
    "video/mp2t": "mpegts",
    "video/ogg": "ogg",
    "image/gif": "gif",
    "audio/ogg": "ogg",
    "audio/ogg; codecs=opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/amr": "amr",
}

#: Decoders for what phones, browsers and programs for editing make; the many others are only a way in.
_DECODERS = ",".join((
    "h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "libaom-av1", "mpeg4", "msmpeg4",
    "msmpeg4v2", "wmv1", "wmv2", "wmv3", "vc1", "h263", "flv", "mjpeg", "mpeg1video", "mpeg2video", "theora", "gif",
    "prores", "aac", "aac_fixed", "mp3", "mp3float", "mp2", "mp2float", "opus", "libopus", "vorbis", "libvorbis",
    "flac", "alac", "ac3", "wmav1", "wmav2", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "adpcm_ms",
    "adpcm_ima_wav", "pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be",
    "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw",
))  # fmt: skip

#: Larger pictures are not decoded (8K has 33 million).
PIXELS = 36_000_000

_TOLD_MAX = 64 * 1024

#: What ffmpeg says, and what it means for whoever has sent the file.
_MEANINGS = (
    ("moov atom not found", "its index is missing, it may be cut off"),
    ("Cannot allocate memory", "it takes too much memory"),
    ("exceed max_pixels", "its pictures are too large"),
    ("Picture size", "its pictures are too large"),
    ("does not contain any stream", "nothing in it can be played"),
    ("matches no streams", "nothing in it can be played"),
    ("not on whitelist", "it is coded in a way that is not supported"),
    ("Invalid data found", "it is damaged or cut off"),
    ("End of file", "it is damaged or cut off"),
)


def find(configured: str = "") -> str:
    """The program: the configured one, that of the system, or that of imageio-ffmpeg. Raises Unsupported."""
    for found in (configured and shutil.which(configured), shutil.which("ffmpeg"), _bundled()):
        if found:
            return found
    raise Unsupported("This needs ffmpeg, and there is none: install it, or set FFMPEG_PATH")


def _bundled() -> str:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return ""


def reading(source: Path, threads: int = 2) -> list[str]:
    """The arguments that open this file, and only it. Raises InvalidInput for what is neither seen nor heard."""
    with source.open("rb") as opened:
        found = sniffed(opened.read(HEAD))
    if not (demuxer := DEMUXERS.get(found)):
        raise InvalidInput(f"This is neither video nor audio that can be read{f', but {found}' if found else ''}")
    return [
        *("-protocol_whitelist", "file", "-f", demuxer, "-codec_whitelist", _DECODERS, "-max_pixels", str(PIXELS)),
        *("-threads", str(threads), "-i", f"file:{source.absolute()}"),
    ]  # fmt: skip


def run(arguments: list[str], tools: Tools, *, taken: Callable[[bytes], None] | None = None, fails: bool = True) -> str:
    """Run it; its standard output goes to `taken`. Returns the beginning of what it has told.

    Raises InvalidInput if the file is at fault, with `limit` "time" or "size" in the details if it was too much, and
    Unsupported without ffmpeg, DriverError if it cannot be run. `fails=False`: its exit code says nothing.
    """
    command = [find(tools.ffmpeg), "-nostdin", "-hide_banner", *arguments]
    with _started(command) as process:
        try:
            _limit(process.pid, tools)
            told = _watch(process, time.monotonic() + tools.seconds, taken)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if told is None or process.returncode == -signal.SIGXCPU:
        raise InvalidInput(f"This file takes longer than {tools.seconds:.0f} s to convert", limit="time")
    if process.returncode == -signal.SIGXFSZ:
        raise InvalidInput(f"This file becomes larger than {tools.output_mb} MB", limit="size")
    if fails and process.returncode != 0:
        raise InvalidInput(f"This file cannot be converted: {reason_of(told)}")
    return told


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=nothing, stdout=pipe, stderr=pipe, env={}, start_new_session=True)
    except OSError as error:
        raise DriverError(f"{command[0]} cannot be run: {error.strerror}") from error


def _limit(pid: int, tools: Tools) -> None:
    """From outside, right after its start: nothing of ours may run between fork and exec in a process with threads."""
    mb = 1024 * 1024
    seconds = int(tools.seconds * tools.threads) + 1
    for what, most in (
        (resource.RLIMIT_AS, tools.memory_mb * mb),
        (resource.RLIMIT_FSIZE, tools.output_mb * mb + mb),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        try:
            resource.prlimit(pid, what, (most, most))
        except ProcessLookupError:  # it has ended already
            return


def _watch(process: subprocess.Popen[bytes], deadline: float, taken: Callable[[bytes], None] | None) -> str | None:
    """Read both its outputs until they end; None: the deadline has passed."""
    assert process.stdout and process.stderr
    told = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, taken or (lambda chunk: None))
        selector.register(
            process.stderr, selectors.EVENT_READ, lambda chunk: told.extend(chunk[: _TOLD_MAX - len(told)])
        )
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0 or not (ready := selector.select(left)):
                return None
            for key, _ in ready:
                if chunk := os.read(key.fd, 65536):
                    key.data(chunk)
                else:
                    selector.unregister(key.fileobj)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
    return told.decode(errors="replace")


def reason_of(told: str) -> str:
    """Why it has failed, in a few words."""
    return next((meaning for words, meaning in _MEANINGS if words in told), "it is damaged or of an unknown kind")
