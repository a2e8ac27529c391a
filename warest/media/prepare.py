"""A file, as it is sent: the one door for the worker."""

from pathlib import Path

from warest.errors import InvalidInput
from warest.media import images, pixels, sounds, stickers, videos
from warest.media.options import Compression, Kind, Tools
from warest.media.prepared import Prepared
from warest.media.rules import HEAD, contradiction_of

_NO_TOOLS = Tools()


def prepare(
    kind: Kind, source: Path, mimetype: str, folder: Path, options: Compression, tools: Tools = _NO_TOOLS
) -> Prepared:
    """`source` as a file of this kind; what has to be written for it is written into `folder`, an empty one.

    The result may be the source itself. `mimetype` is what the sender says; what the file is counts. Raises
    InvalidInput for a file that is not of this kind, damaged or too much, and Unsupported where ffmpeg is needed and
    missing.
    """
    with source.open("rb") as opened:
        head = opened.read(HEAD)
    if not head:
        raise InvalidInput("This file is empty")
    if reason := contradiction_of(mimetype, head):
        raise InvalidInput(reason)
    match kind:
        case "image":
            return images.prepare(source, folder, options)
        case "video":
            return videos.prepare(source, folder, options, tools)
        case "gif":
            return videos.prepare(source, folder, options, tools, with_sound=False)
        case "audio":
            return sounds.prepare(source, folder, options, tools)
        case "voice":
            return sounds.prepare_voice(source, folder, tools)
        case "sticker":
            return stickers.prepare(source, folder, options.sticker, tools)
        case "document":
            return _document(source, mimetype)


def _document(source: Path, mimetype: str) -> Prepared:
    """Unchanged; a picture gets a thumbnail, if it is one that can be read."""
    size = source.stat().st_size
    if pixels.type_of(source) not in pixels.READERS:
        return Prepared(source, mimetype, size)
    try:
        with pixels.opened(source) as opened:
            thumbnail = pixels.small_jpeg(pixels.plain(opened, 100))
    except InvalidInput:
        return Prepared(source, mimetype, size)
    return Prepared(source, mimetype, size, thumbnail=thumbnail)
