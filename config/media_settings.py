"""The settings of what happens to pictures, videos and audio before they are sent."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from warest.config.kinds import Seconds, lower, variables
from warest.media.options import AudioOptions, Compression, ImageOptions, Tools, VideoOptions

Share = Annotated[float, Field(ge=0, lt=1)]
Bytes = Annotated[int, Field(ge=0)]
Quality = Annotated[int, Field(ge=1, le=100)]
Bitrate = Annotated[int, Field(ge=8, le=320)]
#: Those of media.options.PRESETS.
Preset = Annotated[
    Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"],
    BeforeValidator(lower),
]


class MediaSettings(BaseModel):
    """How much is changed, and what ffmpeg may take."""

    compress: bool = variables("WAREST_COMPRESS_ENABLED", default=True, help="Make media smaller before it is sent.")
    compress_min_savings: Share = variables(
        "WAREST_COMPRESS_MIN_SAVINGS_RATIO",
        default=0.04,
        help="A smaller GIF is sent only if so much of it is saved, share.",
    )
    compress_min_bytes: Bytes = variables(
        "WAREST_COMPRESS_MIN_BYTES", default=4096, help="Smaller GIFs are not made smaller, bytes."
    )
    image_max_dimension: Annotated[int, Field(ge=16, le=8192)] = variables(
        "WAREST_COMPRESS_IMAGE_MAX_DIMENSION", default=1280, help="Longest side of a picture, pixels."
    )
    image_quality: Quality = variables(
        "WAREST_COMPRESS_IMAGE_QUALITY", default=82, help="Quality of JPEG and WebP, 1 to 100."
    )
    image_allow_webp: bool = variables(
        "WAREST_COMPRESS_IMAGE_ALLOW_WEBP", default=False, help="Send WebP as a picture; else it becomes JPEG."
    )
    image_keep_format: bool = variables(
        "WAREST_COMPRESS_IMAGE_KEEP_FORMAT", default=True, help="Keep JPEG and PNG what they are."
    )
    image_png_to_jpeg: bool = variables(
        "WAREST_COMPRESS_IMAGE_PNG_TO_JPEG", default=True, help="All the same, make a JPEG of an opaque PNG."
    )
    image_png_level: Annotated[int, Field(ge=0, le=9)] = variables(
        "WAREST_COMPRESS_IMAGE_PNG_LEVEL", default=8, help="How hard PNG tries, 0 to 9."
    )
    image_min_savings: Share = variables(
        "WAREST_COMPRESS_IMAGE_MIN_SAVINGS_RATIO",
        default=0.04,
        help="A smaller picture is sent only if so much of it is saved, share.",
    )
    image_min_bytes: Bytes = variables(
        "WAREST_COMPRESS_IMAGE_MIN_BYTES", default=2048, help="Smaller pictures are not made smaller, bytes."
    )
    video_max_width: Annotated[int, Field(ge=64, le=4096)] = variables(
        "WAREST_COMPRESS_VIDEO_MAX_WIDTH", default=720, help="Width of a video, pixels."
    )
    video_crf: Annotated[int, Field(ge=0, le=51)] = variables(
        "WAREST_COMPRESS_VIDEO_CRF", default=28, help="x264's constant rate factor: 0 is best, 51 smallest."
    )
    video_preset: Preset = variables(
        "WAREST_COMPRESS_VIDEO_PRESET", default="veryfast", help="x264's preset, `ultrafast` to `veryslow`."
    )
    video_audio_bitrate_k: Bitrate = variables(
        "WAREST_COMPRESS_VIDEO_AUDIO_BITRATE_K", default=96, help="Sound of a video, kbit/s."
    )
    video_min_savings: Share = variables(
        "WAREST_COMPRESS_VIDEO_MIN_SAVINGS_RATIO",
        default=0.05,
        help="A smaller video is sent only if so much of it is saved, share.",
    )
    video_min_bytes: Bytes = variables(
        "WAREST_COMPRESS_VIDEO_MIN_BYTES", default=65536, help="Smaller videos are not made smaller, bytes."
    )
    audio_bitrate_k: Bitrate = variables("WAREST_COMPRESS_AUDIO_BITRATE_K", default=96, help="Audio, kbit/s.")
    audio_prefer_opus: bool = variables(
        "WAREST_COMPRESS_AUDIO_PREFER_OPUS", default=True, help="Audio becomes Opus; else AAC."
    )
    audio_min_savings: Share = variables(
        "WAREST_COMPRESS_AUDIO_MIN_SAVINGS_RATIO",
        default=0.04,
        help="Smaller audio is sent only if so much of it is saved, share.",
    )
    audio_min_bytes: Bytes = variables(
        "WAREST_COMPRESS_AUDIO_MIN_BYTES", default=8192, help="Smaller audio is not made smaller, bytes."
    )
    ffmpeg_path: str = variables(
        "FFMPEG_PATH",
        "WAREST_COMPRESS_FFMPEG_PATH",
        default="",
        help="ffmpeg; if unset, or not there, that on PATH, then that of imageio-ffmpeg.",
    )
    compress_timeout: Seconds = variables(
        "WAREST_COMPRESS_TIMEOUT_SEC", default=300.0, help="Longest run of ffmpeg for one file, s."
    )
    compress_memory_mb: Annotated[int, Field(ge=256)] = variables(
        "WAREST_COMPRESS_MEMORY_MB", default=2048, help="Address space of one ffmpeg, MB."
    )
    compress_output_mb: Annotated[int, Field(ge=1)] = variables(
        "WAREST_COMPRESS_OUTPUT_MB", default=100, help="Largest file that ffmpeg may write, MB."
    )


def compression_of(settings: MediaSettings) -> Compression:
    """How much is changed, if a request says nothing else."""
    image = ImageOptions(
        max_dimension=settings.image_max_dimension,
        quality=settings.image_quality,
        allow_webp=settings.image_allow_webp,
        keep_format=settings.image_keep_format,
        png_to_jpeg=settings.image_png_to_jpeg,
        png_level=settings.image_png_level,
        min_savings=settings.image_min_savings,
        min_bytes=settings.image_min_bytes,
    )
    video = VideoOptions(
        max_width=settings.video_max_width,
        crf=settings.video_crf,
        preset=settings.video_preset,
        audio_bitrate_k=settings.video_audio_bitrate_k,
        min_savings=settings.video_min_savings,
        min_bytes=settings.video_min_bytes,
    )
    audio = AudioOptions(
        bitrate_k=settings.audio_bitrate_k,
        prefer_opus=settings.audio_prefer_opus,
        min_savings=settings.audio_min_savings,
        min_bytes=settings.audio_min_bytes,
    )
    return Compression(
        enabled=settings.compress,
        image=image,
        video=video,
        audio=audio,
        min_savings=settings.compress_min_savings,
        min_bytes=settings.compress_min_bytes,
    )


def tools_of(settings: MediaSettings) -> Tools:
    """Which ffmpeg, and its limits."""
    return Tools(
        ffmpeg=settings.ffmpeg_path,
        seconds=settings.compress_timeout,
        memory_mb=settings.compress_memory_mb,
        output_mb=settings.compress_output_mb,
    )
