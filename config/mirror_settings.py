"""The settings of mirroring: the files of incoming messages."""

from typing import Annotated

from pydantic import BaseModel, Field

from warest.config.kinds import Milliseconds, variables

#: What WhatsApp's own apps send, as in the original.
TYPES = (
    "image/jpeg,image/png,image/webp,image/gif,video/mp4,video/3gpp,audio/ogg,audio/opus,audio/aac,audio/mpeg,audio/mp4,"
    "audio/amr,application/pdf,application/msword,application/vnd.openxmlformats-officedocument.wordprocessingml.document,"
    "application/vnd.ms-excel,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,"
    "application/vnd.ms-powerpoint,application/vnd.openxmlformats-officedocument.presentationml.presentation,text/plain"
)


class MirrorSettings(BaseModel):
    """What is copied from WhatsApp's media host into storage, and how an event waits for it."""

    mirror: bool = variables(
        "WAREST_DOWNLOAD_MEDIA_RECEIVED", default=True, help="Store the files of incoming messages."
    )
    mirror_types: str = variables(
        "WAREST_DOWNLOAD_MEDIA_ALLOW_MIMETYPES",
        default=TYPES,
        help="MIME types that are stored, separated by commas; `image/*` and `*/*` are possible.",
    )
    mirror_limit_mb: Annotated[float, Field(gt=0)] = variables(
        "WAREST_DOWNLOAD_MEDIA_MAX_MB", default=2048.0, help="Largest file that is stored, MB."
    )
    mirror_patience_ms: Milliseconds = variables(
        "WAREST_DOWNLOAD_MEDIA_PATIENCE_MS",
        default=15_000,
        help="How long an event waits for its file; then it goes out, and the file is told of in `message_media`, ms.",
    )
    mirror_timeout_ms: Annotated[int, Field(ge=1)] = variables(
        "WAREST_DOWNLOAD_MEDIA_TIMEOUT_MS", default=600_000, help="Longest time that fetching one file may take, ms."
    )
    mirror_link_ttl: Annotated[float, Field(ge=1, le=604_800)] = variables(
        "WAREST_DOWNLOAD_MEDIA_LINK_TTL_SEC",
        default=604_800.0,
        help="How long the link to a private file in an event is valid, 604800 at most, s.",
    )
    mirror_threads: Annotated[int, Field(ge=1)] = variables(
        "WAREST_DOWNLOAD_MEDIA_THREADS", default=4, help="Files that one worker process fetches at the same time."
    )
