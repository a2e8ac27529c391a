"""What HTTP says of a file, its name and type: read with distrust, written so that everybody understands it."""

import re
import unicodedata
from urllib.parse import quote, unquote

#: Longest name, characters.
NAME_MAX = 200

_FILENAME = re.compile(r';\s*(filename\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.IGNORECASE)
_EXTENDED = re.compile(r"([^']*)'[^']*'(.*)")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_PARAMETERS = re.compile(r"""( *; *[A-Za-z0-9_-]+=("[A-Za-z0-9 ,._+-]*"|[A-Za-z0-9._+-]*))*""")

#: What a page in a browser may show by itself. Not what can hold a script: HTML, SVG, XML, PDF.
_SHOWN = re.compile(r"(image/(?!svg)|audio/|video/|text/plain$)")


def media_type(header: str) -> str:
    """A Content-Type without its parameters, or nothing."""
    found = header.partition(";")[0].strip().lower()
    return found if _MEDIA_TYPE.fullmatch(found) else ""


def content_type(kind: str) -> str:
    """A Content-Type, whatever somebody has once said of the file: with its parameters, if those are harmless."""
    essence, _, rest = kind.partition(";")
    if not (found := media_type(essence)):
        return "application/octet-stream"
    return f"{found};{rest}" if rest and _PARAMETERS.fullmatch(f";{rest}") else found


def disposition(kind: str, name: str, *, download: bool) -> str:
    """A Content-Disposition (RFC 6266): to be shown if its type allows it, unless it is for download."""
    how = "inline" if _SHOWN.match(media_type(kind)) and not download else "attachment"
    if not (name := clean_name(name)):
        return how
    # For those who do not know the second form; some would take a % for an escape.
    plain = re.sub(r"[^ !#-$&-\[\]-~]", "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_name(disposition: str, path: str) -> str:
    """The name that the host gives its file (Content-Disposition), else the last part of the URL's path."""
    return clean_name(_named(disposition)) or clean_name(path.rstrip("/"))


def _named(disposition: str) -> str:
    """`filename*`, in any script (RFC 5987), goes before `filename`."""
    found = {name.lower(): value for name, value in _FILENAME.findall(disposition)}
    if extended := _EXTENDED.fullmatch(found.get("filename*", "").strip(' "')):
        return unquote(extended[2], "latin-1" if extended[1].lower() == "iso-8859-1" else "utf-8")
    plain = str(found.get("filename", "")).strip()
    return re.sub(r'\\(["\\])', r"\1", plain[1:-1]) if plain.startswith('"') else plain


def clean_name(text: str) -> str:
    """The last part of a path, of either system's kind, without what cannot be seen. A long one keeps its ending."""
    last = re.split(r"[/\\]", text)[-1]
    seen = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    name = seen.strip(" .")
    stem, dot, ending = name.rpartition(".")
    if len(name) <= NAME_MAX or len(ending) > 20 or not stem:
        return name[:NAME_MAX].strip(" .")
    return stem[: NAME_MAX - len(dot + ending)] + dot + ending
