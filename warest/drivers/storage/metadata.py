"""What is known of a file, as headers of an S3 object: `x-amz-meta-*`, in ASCII."""

import base64
import contextlib
import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from warest.drivers.storage.stored import Stored, Visibility, check_extra, guess_mime_type

_PLAIN = re.compile(r"[!-<>-~]+(?: [!-~]+)*")
_ENCODED = re.compile(r"=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=")


def headers(visibility: Visibility, original_name: str, extra: Mapping[str, object] | None) -> dict[str, str]:
    """Raises InvalidInput when it is too much."""
    return {
        "visibility": visibility,
        "original-name": _ascii(original_name),
        "extra": check_extra(extra),
    }


def parse(key: str, found: Mapping[str, str]) -> Stored:
    """`found`: the headers of the server's answer to HEAD or GET. Objects of others have less."""
    name = _text(found.get("x-amz-meta-original-name", ""))
    extra: dict[str, object] = {}
    with contextlib.suppress(ValueError, TypeError):
        extra = dict(json.loads(found.get("x-amz-meta-extra", "{}")))
    of_whole = found.get("content-range", "").rpartition("/")[2] or found.get("content-length", "0")
    return Stored(
        key=key,
        visibility="public" if found.get("x-amz-meta-visibility") == "public" else "private",
        size=int(of_whole),
        mime_type=found.get("content-type") or guess_mime_type(name or key),
        original_name=name,
        checksum=found.get("x-amz-meta-checksum-sha256", ""),
        extra=extra,
        uploaded_at=parsedate_to_datetime(found["last-modified"]).timestamp(),
    )


def _ascii(text: str) -> str:
    """As it is, or as S3 itself writes what is not ASCII (RFC 2047)."""
    return text if _PLAIN.fullmatch(text) else f"=?UTF-8?B?{base64.b64encode(text.encode(errors='replace')).decode()}?="


def _text(header: str) -> str:
    encoded = _ENCODED.fullmatch(header)
    return base64.b64decode(encoded[1]).decode(errors="replace") if encoded else header
