"""Stickers: WebP of 512x512 pixels, below 500 KB, at most ten seconds long, with the pack that they belong to."""

import json
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from warest.errors import InvalidInput
from warest.media import ffmpeg, headers, pixels, private
from warest.media.options import Pack, StickerOptions, Tools
from warest.media.prepared import Prepared

BYTES = 500_000
SECONDS = 10

#: Pictures a second, as many as one sees; a sticker never has more than 120 so.
_RATE = 12

#: What is tried one after the other until it is small enough: every how many pictures, and the share of the quality.
_ATTEMPTS = ((1, 1.0), (1, 0.6), (2, 0.6), (2, 0.35), (3, 0.35), (4, 0.2), (6, 0.1))

#: An animation takes a hundred times as long as a picture, and the effort gains little there.
_ANIMATED_EFFORT = 2

#: Shorter frames are not shown by WhatsApp, milliseconds.
_SHORTEST = 8

#: A picture, and how long it is shown, milliseconds.
Frame = tuple[Image.Image, int]


def prepare(source: Path, folder: Path, options: StickerOptions, tools: Tools) -> Prepared:
    """From a picture, an animation or a short video; a WebP that fits stays as it is.

    Raises InvalidInput, also for what cannot be made small enough.
    """
    kind, size = pixels.type_of(source), source.stat().st_size
    path = source
    if kind != "image/webp" or not _fits(source, options.size):
        shown = (
            _of_video(source, options.size, tools) if kind.startswith("video/") else _of_picture(source, options.size)
        )
        path = _small_enough(shown, folder / "small.webp", options)
    exif = pack_exif(options.pack) if options.pack else None
    path = private.webp_with(path, exif, folder / "sticker.webp")
    made, animated = path.stat().st_size, headers.webp_extent(path, 1).frames > 1
    return Prepared(path, "image/webp", made, options.size, options.size, is_animated=animated, saved=size - made)


def _fits(source: Path, side: int) -> bool:
    """It is a sticker already. Raises InvalidInput if it is damaged."""
    extent = pixels.check_extent(source, "image/webp")
    if extent is None or (extent.width, extent.height) != (side, side) or source.stat().st_size > BYTES:
        return False
    lengths = []
    with pixels.opened(source) as image:
        for number in range(extent.frames):
            image.seek(number)
            image.load()
            lengths.append(image.info.get("duration", 0))
    return extent.frames == 1 or (min(lengths) >= _SHORTEST and sum(lengths) <= SECONDS * 1000)


def _of_picture(source: Path, side: int) -> list[Frame]:
    """Its pictures at our rate; what comes after ten seconds is left out."""
    found: list[tuple[Image.Image, float]] = []
    extent = pixels.check_extent(source, pixels.type_of(source))
    now = 0.0
    with pixels.opened(source) as image:
        for number in range(extent.frames if extent else 1):
            image.seek(number)
            if not found or now >= found[-1][1] + 1000 / _RATE:
                whole = image.copy() if extent and extent.frames > 1 else image  # the next frame builds on this one
                found.append((_framed(pixels.plain(whole, 2 * side), side), now))
            now += _shown_for(image)
            if now >= SECONDS * 1000:
                break
    return list(_timed(found, min(now, SECONDS * 1000)))


def _timed(found: list[tuple[Image.Image, float]], end: float) -> Iterator[Frame]:
    ends = [*(start for _, start in found[1:]), end]
    for (image, start), until in zip(found, ends, strict=True):
        yield image, max(20, round(until - start))


def _shown_for(image: Image.Image) -> int:
    """Milliseconds; 10 and less mean a tenth of a second, as in browsers."""
    given = image.info.get("duration", 0)
    return min(int(given), SECONDS * 1000) if isinstance(given, int | float) and given > 10 else 100


def _framed(image: Image.Image, side: int) -> Image.Image:
    """As large as fits into the square, in the middle, on nothing."""
    fitted = pixels.within(image.convert("RGBA"), side, side)
    ground = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ground.paste(fitted, ((side - fitted.width) // 2, (side - fitted.height) // 2))
    return ground


def _of_video(source: Path, side: int, tools: Tools) -> list[Frame]:
    """Its first ten seconds."""
    most = SECONDS * _RATE
    shape = (
        f"fps={_RATE},scale={side}:{side}:force_original_aspect_ratio=decrease,format=rgba,"
        f"pad={side}:{side}:(ow-iw)/2:(oh-ih)/2:color=black@0"
    )
    held = bytearray()
    read = ["-v", "error", *ffmpeg.reading(source, tools.threads), "-map", "0:V:0", "-t", str(SECONDS)]
    ffmpeg.run(
        [*read, "-vf", shape, "-frames:v", str(most), "-f", "rawvideo", "-pix_fmt", "rgba", "-"],
        tools,
        taken=held.extend,
    )
    one = side * side * 4
    if len(held) < one:
        raise InvalidInput("There is no picture in this video that can be read")
    whole = range(0, len(held) - one + 1, one)
    return [(Image.frombytes("RGBA", (side, side), bytes(held[at : at + one])), 1000 // _RATE) for at in whole]


def _small_enough(frames: list[Frame], path: Path, options: StickerOptions) -> Path:
    tried = 0.0
    for every, share in _ATTEMPTS:
        if every > len(frames) or tried > 3 * BYTES:  # far too large: the next step would be, too
            tried /= 2
            continue
        _write(list(_thinned(frames, every)), path, max(5, round(options.quality * share)), options)
        if (tried := float(path.stat().st_size)) <= BYTES:
            return path
    raise InvalidInput(f"This sticker cannot be made smaller than {BYTES // 1000} KB")


def _thinned(frames: list[Frame], every: int) -> Iterator[Frame]:
    for at in range(0, len(frames), every):
        yield frames[at][0], sum(length for _, length in frames[at : at + every])


def _write(frames: list[Frame], path: Path, quality: int, options: StickerOptions) -> None:
    first, *others = (image for image, _ in frames)
    if not others:
        first.save(path, "WEBP", quality=quality, method=options.effort)
        return
    lengths = [length for _, length in frames]
    effort = min(options.effort, _ANIMATED_EFFORT)
    first.save(
        path, "WEBP", save_all=True, append_images=others, duration=lengths, loop=0, quality=quality, method=effort
    )


def pack_exif(pack: Pack) -> bytes:
    """A TIFF with one entry: the tag 0x5741, and JSON in it."""
    said = {
        "sticker-pack-id": pack.id,
        "sticker-pack-name": pack.name,
        "sticker-pack-publisher": pack.publisher,
        "emojis": list(pack.emojis),
    }
    text = json.dumps(said, ensure_ascii=False).encode()
    entry = (0x5741).to_bytes(2, "little") + (7).to_bytes(2, "little") + len(text).to_bytes(4, "little")
    return b"II*\0" + (8).to_bytes(4, "little") + (1).to_bytes(2, "little") + entry + (22).to_bytes(4, "little") + text
