"""WhatsApp's protobufs as the original product writes them in JSON (decision 16).

The engine's schema says `fileSHA256` and `JPEGThumbnail`, the original's `fileSha256` and `jpegThumbnail`: a run of
capitals becomes a word. Bytes are base64, 64-bit numbers strings, enums names; what is unset is left out.
`from_json` is the way back: what is stored becomes part of a message again, a quoted one say.
"""

import base64
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from warest.errors import InvalidInput

M = TypeVar("M", bound=Message)

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


def from_json(kind: type[M], data: dict[str, Any]) -> M:
    """The message that `to_json` has written. Names that the schema does not have, of a newer one say, are left out.

    Raises InvalidInput for a value that its field cannot hold.
    """
    message = kind()
    try:
        _fill(message, data)
    except (AttributeError, DecodeError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise InvalidInput(f"this is no message of WhatsApp's: {error}") from None
    return message


def _fill(message: Message, data: dict[str, Any]) -> None:
    fields = _fields_of(message.DESCRIPTOR)
    for name, value in data.items():
        if (field := fields.get(name)) is not None and value is not None:
            _put(message, field, value)


@cache
def _fields_of(kind: Descriptor) -> dict[str, FieldDescriptor]:
    return {json_name(field.name): field for field in kind.fields}


def _put(message: Message, field: FieldDescriptor, value: Any) -> None:
    held = getattr(message, field.name)
    if entry := _map_entry(field):
        key, item = (entry.fields_by_name[part] for part in ("key", "value"))
        for name, content in value.items():
            held[_read(key)(name)] = _read(item)(content)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        for content in value if field.is_repeated else [value]:
            part = held.add() if field.is_repeated else held
            part.SetInParent()
            _fill(part, content)
    elif field.is_repeated:
        held.extend(map(_read(field), value))
    else:
        setattr(message, field.name, _read(field)(value))


def _read(field: FieldDescriptor) -> Callable[[Any], Any]:
    """JSON -> what the field takes; an enum takes a number that has no name, too."""
    if field.enum_type is not None:
        numbers = field.enum_type.values_by_name
        return lambda name: numbers[name].number if isinstance(name, str) else name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda text: base64.b64decode(text, validate=True)
    return int if field.cpp_type in _64_BITS else lambda plain: plain


def _map_entry(field: FieldDescriptor) -> Descriptor | None:
    """Of a map: what its entries are made of."""
    kind = field.message_type
    return kind if kind is not None and kind.GetOptions().map_entry else None


def _value(field: FieldDescriptor, value: Any) -> Any:
    if entry := _map_entry(field):
        scalar = _scalar(entry.fields_by_name["value"])
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
