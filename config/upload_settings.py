"""The settings of files that are to be sent: which are taken, and how large they may be."""

from typing import Annotated

from pydantic import BaseModel, Field

from warest.config.kinds import variables

Megabytes = Annotated[float, Field(gt=0)]


class UploadSettings(BaseModel):
    """What the routes of messages take. The smallest limit that is met counts, also that of temporary files."""

    media_limit_mb: Megabytes = variables(
        "MEDIA_PER_FILE_MB", default=1024, help="Largest picture, video, audio, sticker, GIF or document, MB."
    )
    file_limit_mb: Megabytes = variables("FILE_PER_FILE_MB", default=2048, help="Largest file of `send/files`, MB.")
    raw_limit_mb: Megabytes = variables(
        "FILE_RAW_LIMIT_MB", default=2000, help="Largest body that is a file itself, or a form, MB."
    )
    send_patience: Annotated[float, Field(gt=0)] = variables(
        "WAREST_SEND_PATIENCE_SEC",
        default=86_400.0,
        help="A send with `Prefer: respond-async` or `sendAt` waits so long for a session that is not online, s.",
    )
    file_types: str = variables(
        "WAREST_MIMETYPE_FILES_ALLOWLIST",
        default="*/*",
        help="MIME types that are sent as documents, separated by commas; others go out as `application/octet-stream` "
        "if that is among them. Programs never.",
    )
    media_threads: Annotated[int, Field(ge=1)] = variables(
        "WAREST_MEDIA_THREADS", default=2, help="Files that one worker process makes fit to be sent at a time."
    )
