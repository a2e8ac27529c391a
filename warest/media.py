"""Rules for files: pure functions.

Facts: contract, endpoints.md section 6 (what send/files and send/document refuse).
"""

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
