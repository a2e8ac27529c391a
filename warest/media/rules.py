"""Rules for files: what is refused, and what a file is by its first bytes. Pure functions.

Facts: contract, endpoints.md section 6 (what send/files and send/document refuse).
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

#: What a program is called on the systems of those who receive it.
_PROGRAMS = frozenset({
    "exe", "msi", "scr", "bat", "cmd", "sh", "ps1", "psm1", "psd1", "vbs",
    "vbe", "wsf", "wsh", "com", "dll", "sys", "js", "jse", "msh", "msh1",
    "reg", "pif", "gadget", "jar", "apk",
})  # fmt: skip

_PROGRAM_TYPES = frozenset(
    {
        "application/javascript",
        "application/java-archive",
        "application/vnd.android.package-archive",
        "application/vnd.microsoft.portable-executable",
        "application/x-bat",
        "application/x-dosexec",
        "application/x-executable",
        "application/x-msdos-program",
        "application/x-msdownload",
        "application/x-msi",
        "application/x-powershell",
        "application/x-sh",
        "application/x-shellscript",
        "text/javascript",
        "text/x-shellscript",
    }
)

#: What a Windows program begins with.
_MZ = b"MZ"


def extension_of(name: str) -> str:
    """In small letters, without the dot; empty: none."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lower().removeprefix(".")


def refusal_of(name: str, mimetype: str, head: bytes) -> str | None:
    """Why this file is not sent, by its name, its declared type and its first bytes; None: it is."""
    if (extension := extension_of(name)) in _PROGRAMS:
        return f"Files with the extension .{extension} are not sent"
    if mimetype in _PROGRAM_TYPES:
        return f"Files of the type {mimetype} are not sent"
    return "Programs are not sent" if head.startswith(_MZ) else None


def is_among(mimetype: str, allowed: Iterable[str]) -> bool:
    """`allowed` are types, `type/*` and `*/*`."""
    return any(one in (mimetype, f"{mimetype.partition('/')[0]}/*", "*/*") for one in allowed)


#: What a file is as long as nobody says more.
UNKNOWN = "application/octet-stream"


def sendable_as(mimetype: str, allowed: Iterable[str]) -> str | None:
    """What a document of this type goes out as, with what `is_among` allows; None: not at all."""
    allowed = list(allowed)
    return next((one for one in (mimetype, UNKNOWN) if is_among(one, allowed)), None)


#: How many bytes `sniffed` wants to see.
HEAD = 512

#: What begins with these bytes, at this offset, is of this type. The first that fits counts.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (8, b"WEBP", "image/webp"),  # in RIFF, as the next two
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\0\0\x01\0", "image/x-icon"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"#!", "text/x-shellscript"),
    (0, b"#EXTM3U", "application/vnd.apple.mpegurl"),
    (0, b"ffconcat version", "text/x-ffconcat"),
    (0, _MZ, "application/vnd.microsoft.portable-executable"),
    (0, b"BM", "image/bmp"),
)

#: Brands of ISO media files (`ftyp`) that are not plain MP4; the first that the brand begins with counts.
_BRANDS = (
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"hei", "image/heic"),
    (b"hev", "image/heic"),
    (b"mif1", "image/heic"),
    (b"msf1", "image/heic"),
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"qt  ", "video/quicktime"),
    (b"3g", "video/3gpp"),
)

#: Boxes that an old QuickTime file may begin with.
_QUICKTIME = (b"moov", b"mdat", b"wide", b"pnot", b"free", b"skip")

_MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|body|script|\?xml|svg|mpd|iframe|!--)", re.IGNORECASE)


def sniffed(head: bytes) -> str:
    """The type of a file by its first `HEAD` bytes, whatever anybody claims; empty: unknown.

    Ogg with Opus is "audio/ogg; codecs=opus", Ogg with pictures video/ogg. Markup of any kind is text/html, or
    image/svg+xml where it says so itself.
    """
    for offset, magic, found in _MAGIC:
        if head.startswith(magic, offset) and (offset == 0 or head.startswith(b"RIFF")):
            return _ogg(head) if found == "audio/ogg" else found
    if head[4:8] == b"ftyp":
        return next((found for brand, found in _BRANDS if head.startswith(brand, 8)), "video/mp4")
    if head[4:8] in _QUICKTIME:
        return "video/quicktime"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    return _frames(head) or _markup(head)


def _ogg(head: bytes) -> str:
    if b"OpusHead" in head[:64]:
        return "audio/ogg; codecs=opus"
    return "video/ogg" if b"\x80theora" in head[:64] else "audio/ogg"


def _frames(head: bytes) -> str:
    """Audio that begins with a frame right away: MP3 and AAC (ADTS) share the sync word, MPEG-TS has its own."""
    if len(head) > 188 and head[0] == head[188] == 0x47:
        return "video/mp2t"
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    is_layer_3 = head[1] & 0x06 == 0x02 and head[1] & 0x18 != 0x08
    return "audio/mpeg" if is_layer_3 and head[2] & 0xF0 not in (0x00, 0xF0) else ""


def _markup(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not _MARKUP.match(text):
        return ""
    return "image/svg+xml" if b"<svg" in text.lower() else "text/html"


#: Says who sends it that it is seen or heard, but it is a program, a page or a list of other files.
_NEVER_MEDIA = frozenset({
    "application/java-vm", "application/vnd.apple.mpegurl", "application/vnd.microsoft.portable-executable",
    "application/x-executable", "application/x-mach-binary", "image/svg+xml", "text/html", "text/x-ffconcat",
    "text/x-shellscript",
})  # fmt: skip


def contradiction_of(mimetype: str, head: bytes) -> str | None:
    """Why a file that is declared as image, audio or video is none; None: nothing speaks against it."""
    found = sniffed(head)
    declared = mimetype.partition(";")[0].strip().lower()
    if declared.split("/")[0] not in ("image", "audio", "video") or found not in _NEVER_MEDIA or found == declared:
        return None
    return f"This file is declared as {declared}, but it is {found}"
