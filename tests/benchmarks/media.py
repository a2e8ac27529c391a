"""What preparing a file saves, and how long it takes: `make bench`.

The files are made here, so that the figures do not depend on anybody's. Nothing is asserted; the same table, for the
documents: `python tests/benchmarks/media.py`.
"""

import math
import random
import shutil
import struct
import subprocess
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from warest.media import ffmpeg
from warest.media.options import Compression, Kind
from warest.media.prepare import prepare

_VIDEO = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:d=10:r=30,noise=alls=3:allf=t")
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=330:d=10,vibrato")
_CAMERA = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warest-bench-"))
    try:
        print("| sent as | file | becomes | before | after | saved | time |")
        print("|---|---|---|---|---|---|---|")
        for kind, words, made in _SAMPLES:
            print(row(kind, words, made(folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def row(kind: Kind, words: str, source: Path) -> str:
    """One file, prepared with the defaults."""
    out = source.with_name(f"{source.name}.out")
    out.mkdir()
    began = time.monotonic()
    made = prepare(kind, source, "", out, Compression())
    took = time.monotonic() - began
    before = source.stat().st_size
    became = made.mimetype.replace("audio/ogg; codecs=opus", "Opus").partition("/")[2] or "Opus"
    size = f"{became} {made.width}x{made.height}" if made.width else became
    share = 100 * made.saved / before
    return f"| {kind} | {words} | {size} | {kb(before)} | {kb(made.size)} | {share:.0f} % | {took:.1f} s |"


def kb(size: int) -> str:
    return f"{size / 1000:,.0f} KB"


def photo(size: tuple[int, int] = (4000, 3000)) -> Image.Image:
    """Soft colours with the grain of a camera."""
    colours = [Image.radial_gradient("L").resize(size), Image.linear_gradient("L").resize(size)]
    shapes = Image.effect_noise((size[0] // 50, size[1] // 50), 90).resize(size, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(size, 12)
    image = Image.merge("RGB", (colours[0], colours[1], shapes))
    return Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.15)


def screenshot() -> Image.Image:
    """Words and boxes on one ground."""
    image = Image.new("RGB", (1600, 1000), "#f4f4f8")
    draw = ImageDraw.Draw(image)
    chance = random.Random(1)
    for line in range(60):
        draw.rectangle((40, 16 * line, 60, 16 * line + 10), fill=chance.choice(("#3355aa", "#22aa55", "#cc4444")))
        draw.text((80, 16 * line), " ".join(f"word{chance.randrange(9999)}" for _ in range(20)), fill="#222222")
    return image


def logo() -> Image.Image:
    image = Image.new("RGBA", (900, 900), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for at in range(30):
        draw.ellipse((at * 10, at * 12, 900 - at * 5, 900 - at * 15), outline=(255 - at * 8, at * 8, 120, 255), width=9)
    return image.filter(ImageFilter.SMOOTH)


def saved(name: str, draw: Callable[[], Image.Image], quality: int = 95) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        draw().save(folder / name, quality=quality)
        return folder / name

    return made


def by_ffmpeg(name: str, *arguments: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        subprocess.run([ffmpeg.find(), "-v", "error", "-y", *arguments, str(folder / name)], check=True)
        return folder / name

    return made


def speech(folder: Path) -> Path:
    """Half a minute of tones that come and go like syllables, as a WAV of 44.1 kHz."""
    chance = random.Random(1)
    with wave.open(str(folder / "speech.wav"), "wb") as out:
        out.setparams((1, 2, 44100, 0, "NONE", ""))
        for _ in range(150):
            pitch, loud = chance.uniform(0.01, 0.05), chance.choice((0, 3000, 9000, 15000))
            values = (
                loud * math.sin(at * pitch) * math.sin(math.pi * at / 8820) + chance.gauss(0, 60) for at in range(8820)
            )
            out.writeframes(b"".join(struct.pack("<h", int(value)) for value in values))
    return folder / "speech.wav"


_SAMPLES: tuple[tuple[Kind, str, Callable[[Path], Path]], ...] = (
    ("image", "photo, JPEG 4000x3000", saved("photo.jpg", photo)),
    ("image", "photo, PNG 1600x1200", saved("photo.png", lambda: photo((1600, 1200)))),
    ("image", "screenshot, PNG 1600x1000", saved("screen.png", screenshot)),
    ("image", "drawing with transparency, PNG 900x900", saved("logo.png", logo)),
    ("image", "photo, WebP 1600x1200", saved("photo.webp", lambda: photo((1600, 1200)))),
    ("image", "scan, TIFF 2000x1500", saved("scan.tiff", lambda: photo((2000, 1500)))),
    ("video", "phone video, H.264 1280x720, 10 s", by_ffmpeg("phone.mp4", *_VIDEO, *_SOUND, *_CAMERA)),
    ("video", "browser video, VP8 640x360, 5 s",
     by_ffmpeg("web.webm", "-f", "lavfi", "-i", "testsrc2=s=640x360:d=5:r=25", "-b:v", "2M", "-deadline", "realtime")),
    ("gif", "GIF 480x270, 4 s", by_ffmpeg("moving.gif", "-f", "lavfi", "-i", "testsrc2=s=480x270:d=4:r=12")),
    ("voice", "speech, WAV 44.1 kHz, 30 s", speech),
    ("audio", "speech, WAV 44.1 kHz, 30 s", lambda folder: speech(folder).rename(folder / "again.wav")),
    ("audio", "music, MP3 320 kbit/s, 10 s", by_ffmpeg("music.mp3", *_SOUND, "-b:a", "320k")),
    ("sticker", "photo, JPEG 1600x1200", saved("sticker.jpg", lambda: photo((1600, 1200)))),
    ("sticker", "GIF 480x270, 4 s", by_ffmpeg("sticker.gif", "-f", "lavfi", "-i", "testsrc2=s=480x270:d=4:r=12")),
    ("sticker", "video, H.264 320x240, 4 s",
     by_ffmpeg("sticker.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x240:d=4:r=25", "-pix_fmt", "yuv420p")),
)  # fmt: skip


if __name__ == "__main__":
    main()
