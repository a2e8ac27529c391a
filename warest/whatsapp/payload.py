"""WhatsApp's protobufs as the original product writes them in JSON (decision 16).

The engine's schema says `fileSHA256` and `JPEGThumbnail`, the original's `fileSha256` and `jpegThumbnail`: a run of
capitals becomes a word. Bytes are base64, 64-bit numbers strings, enums names; what is unset is left out.
"""

import base64
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_CAPITALS = re.compile(r"[A-Z]+s?(?![a-z])")
_64_BITS = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}


def to_json(message: Message) -> dict[str, Any]:
    """The set fields of `message` under the original's names."""
    return {json_name(field.name): _value(field, value) for field, value in message.ListFields()}


@cache
def json_name(field: str) -> str:
    """The original's name of a protobuf field."""
    name = _CAPITALS.sub(lambda run: run[0].capitalize(), field.replace("CDNURL", "CdnURL"))
    return name[0].lower() + name[1:]


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        scalar = _scalar(field.message_type.fields_by_name["value"])
        return {str(key): scalar(item) for key, item in value.items()}
    scalar = _scalar(field)
    # A repeated field's value is a container of protobuf's own, a single one never has `append`.
    return [scalar(item) for item in value] if hasattr(value, "append") else scalar(value)


def _scalar(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        return to_json
    if field.enum_type is not None:
        names = field.enum_type.values_by_number
        return lambda number: names[number].name if number in names else number
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda data: base64.b64encode(data).decode()
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return text
    return str if field.cpp_type in _64_BITS else lambda plain: plain


def text(value: str | bytes) -> str:
    """A string field. Its sender may have put anything in it, and protobuf hands out as bytes what is not UTF-8."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
