"""A video, as WhatsApp plays it everywhere: H.264 and AAC in an MP4 whose index comes first; and GIFs, which are videos
without sound there."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from warest.errors import InvalidInput
from warest.media import ffmpeg, pixels
from warest.media.options import Compression, Tools, VideoOptions
from warest.media.prepared import Prepared
from warest.media.probe import Contents, probe

#: Longer ones are refused, seconds.
SECONDS = 4 * 3600

#: Of H.264 where the original is to be preserved, but cannot be sent as it is.
_BEST_CRF = 18

_MP4 = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-movflags", "+faststart", "-f", "mp4")


@dataclass(frozen=True)
class _Job:
    source: Path
    folder: Path
    contents: Contents
    tools: Tools
    with_sound: bool


def prepare(source: Path, folder: Path, options: Compression, tools: Tools, *, with_sound: bool = True) -> Prepared:
    """The smaller one that is worth it; else the same pictures and sound in an MP4 that says nothing of where it was
    taken. Raises InvalidInput, Unsupported."""
    contents = _checked(source, tools)
    job = _Job(source, folder, contents, tools, with_sound)
    size = source.stat().st_size
    fewest, savings = _thresholds(options, with_sound)
    path = _tried(job, options.video, lambda: _copied(job)) if options.enabled and size >= fewest else None
    if path is None or (_can_be_copied(job) and path.stat().st_size > size * (1 - savings)):
        path = _copied(job) if _can_be_copied(job) else path or _converted(job, _preserving(options))
    return _described(path, job, size)


def _thresholds(options: Compression, with_sound: bool) -> tuple[int, float]:
    if with_sound:
        return options.video.min_bytes, options.video.min_savings
    return options.min_bytes, options.min_savings


def _preserving(options: Compression) -> VideoOptions:
    """What is below the threshold may be changed as usual; an original is to stay as it looks."""
    if options.enabled:
        return options.video
    return VideoOptions(max_width=4096, crf=_BEST_CRF, preset=options.video.preset, audio_bitrate_k=192)


def _checked(source: Path, tools: Tools) -> Contents:
    if pixels.type_of(source) == "image/gif":
        pixels.check_extent(source, "image/gif")
    contents = probe(source, tools)
    if not contents.video or not contents.width or not contents.height:
        raise InvalidInput("There is no picture in this video that can be read")
    if contents.width * contents.height > ffmpeg.PIXELS:
        raise InvalidInput(f"The pictures of this video are too large: {contents.width}x{contents.height}")
    if contents.seconds > SECONDS:
        raise InvalidInput(f"This video is longer than {SECONDS // 3600} hours")
    return contents


def _can_be_copied(job: _Job) -> bool:
    """Only its container has to change, if anything."""
    sound = job.contents.audio if job.with_sound else ""
    return (
        job.contents.video == "h264"
        and job.contents.pixels in ("yuv420p", "yuvj420p")
        and sound in ("", "aac")
        and not job.contents.is_turned
    )


def _tried(job: _Job, options: VideoOptions, otherwise: Callable[[], Path]) -> Path:
    """A video that is good as it is does not fail because making it smaller takes too long."""
    try:
        return _converted(job, options)
    except InvalidInput as error:
        if "limit" not in error.details or not _can_be_copied(job):
            raise
        return otherwise()


def _converted(job: _Job, options: VideoOptions) -> Path:
    width = f"max(2,trunc(min({options.max_width},iw*sar)/2)*2)"
    path = job.folder / "video.mp4"
    sound = ("-c:a", "aac", "-b:a", f"{options.audio_bitrate_k}k", "-ac", "2") if job.with_sound else ("-an",)
    _make(
        job,
        path,
        "-vf", f"scale='{width}':-2,setsar=1,format=yuv420p",
        *("-c:v", "libx264", "-preset", options.preset, "-crf", str(options.crf), "-threads", str(job.tools.threads)),
        *sound,
    )  # fmt: skip
    return path


def _copied(job: _Job) -> Path:
    path = job.folder / "copy.mp4"
    _make(job, path, "-c", "copy", *(() if job.with_sound else ("-an",)))
    return path


def _make(job: _Job, path: Path, *how: str) -> None:
    most = job.tools.output_mb * 1024 * 1024
    streams = ("-map", "0:V:0", *(("-map", "0:a:0?") if job.with_sound else ()))
    ffmpeg.run(
        [
            *("-y", "-v", "error", *ffmpeg.reading(job.source, job.tools.threads), *streams, *how),
            *("-t", str(SECONDS), "-max_muxing_queue_size", "1024", "-fs", str(most), *_MP4, f"file:{path}"),
        ],
        job.tools,
    )
    if path.stat().st_size >= most:
        raise InvalidInput(f"This video becomes larger than {job.tools.output_mb} MB", limit="size")


def _described(path: Path, job: _Job, size: int) -> Prepared:
    made = probe(path, job.tools)
    if not made.width:
        raise InvalidInput("There is no picture in this video that can be read")
    if made.seconds > SECONDS - 1:  # it said that it was shorter
        raise InvalidInput(f"This video is longer than {SECONDS // 3600} hours")
    if made.seconds + 2 < job.contents.seconds / 2:
        raise InvalidInput("This video is cut off: it ends before half of its time")
    return Prepared(
        path,
        "video/mp4",
        path.stat().st_size,
        made.width,
        made.height,
        max(1, round(made.seconds)),
        thumbnail=_thumbnail(path, job, min(1.0, made.seconds / 2)),
        saved=size - path.stat().st_size,
    )


def _thumbnail(path: Path, job: _Job, at: float) -> bytes:
    return pixels.small_jpeg(shown_at(path, at, job.folder, job.tools, longest=200))


def shown_at(source: Path, at: float, folder: Path, tools: Tools, *, longest: int) -> Image.Image:
    """The picture at this second; the first one where a video is shorter than it says. Raises InvalidInput."""
    target = folder / "frame.png"
    try:
        frame(source, at, target, tools, longest=longest)
    except InvalidInput:
        frame(source, 0.0, target, tools, longest=longest)
    with Image.open(target, formats=("PNG",)) as image:
        return image.convert("RGB")


def frame(source: Path, at: float, target: Path, tools: Tools, *, longest: int) -> None:
    """Write the picture at this second, as a PNG whose longest side is so long at most. Raises InvalidInput."""
    fit = f"scale='min({longest},iw*sar)':'min({longest},ih)':force_original_aspect_ratio=decrease,setsar=1"
    read = ["-ss", f"{at:.3f}", *ffmpeg.reading(source, tools.threads)]
    target.unlink(missing_ok=True)
    ffmpeg.run(
        ["-y", "-v", "error", *read, "-map", "0:V:0", "-frames:v", "1", "-update", "1", "-vf", fit, f"file:{target}"],
        tools,
    )
    if not target.exists():
        raise InvalidInput("This video has no picture at that time")
