"""Protobufs in JSON under the original's names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from warest.errors import InvalidInput
from warest.whatsapp import protos
from warest.whatsapp.payload import from_json, json_name, to_json

#: Names of the engine's schema and what the original calls them.
NAMES = {
    "URL": "url",
    "fileSHA256": "fileSha256",
    "fileEncSHA256": "fileEncSha256",
    "JPEGThumbnail": "jpegThumbnail",
    "stanzaID": "stanzaId",
    "mentionedJID": "mentionedJid",
    "remoteJID": "remoteJid",
    "ID": "id",
    "PTT": "ptt",
    "senderTimestampMS": "senderTimestampMs",
    "canonicalURL": "canonicalUrl",
    "keyIDs": "keyIds",
    "imageURLs": "imageUrls",
    "requestURLPreview": "requestUrlPreview",
    "messageIDToEdit": "messageIdToEdit",
    "thumbnailCDNURL": "thumbnailCdnUrl",
    "paramsJSON": "paramsJson",
    "encIV": "encIv",
    "viewOnceMessageV2Extension": "viewOnceMessageV2Extension",
    "nonJIDMentions": "nonJidMentions",
    "conversation": "conversation",
    "isForwarded": "isForwarded",
    "gifPlayback": "gifPlayback",
}


def every_field() -> Iterator[Any]:
    """All fields that can occur anywhere in a message."""
    todo, done = [protos.e2e.Message.DESCRIPTOR], set()
    while todo:
        message = todo.pop()
        if message.full_name not in done:
            done.add(message.full_name)
            yield from message.fields
            todo += [field.message_type for field in message.fields if field.message_type]


@pytest.mark.parametrize(("ours", "original"), NAMES.items())
def test_names(ours: str, original: str) -> None:
    """A run of capitals is a word (decision 16)."""
    assert json_name(ours) == original


def test_every_name_is_camel_case() -> None:
    """No field of the pinned schema leaves two capitals in a row, but for words that are one letter long."""
    names = {json_name(field.name) for field in every_field()}
    assert {name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*([A-Z][a-z0-9_]*)*", name)} == set()
    assert {name for name in names if re.search("[A-Z]{3}", name)} == set()


def test_kinds_of_values() -> None:
    """Bytes are base64, 64-bit numbers strings, smaller ones numbers, enums names; what is unset is left out."""
    message = protos.e2e.Message(
        imageMessage=protos.e2e.ImageMessage(
            fileSHA256=b"\xff\xfe\x00", fileLength=2**63, width=640, caption="ä", scanLengths=[1, 2], viewOnce=False
        ),
        listMessage=protos.e2e.ListMessage(listType="SINGLE_SELECT"),
        locationMessage=protos.e2e.LocationMessage(degreesLatitude=-6.2, isLive=True),
    )
    assert to_json(message) == {
        "imageMessage": {
            "caption": "ä", "fileSha256": "//4A", "fileLength": "9223372036854775808", "width": 640,
            "scanLengths": [1, 2], "viewOnce": False,
        },
        "listMessage": {"listType": "SINGLE_SELECT"},
        "locationMessage": {"degreesLatitude": -6.2, "isLive": True},
    }  # fmt: skip


def test_negative_and_repeated_values() -> None:
    """Signs are kept; repeated messages are lists of objects."""
    key = protos.e2e.AppStateSyncKeyId(keyID=b"")
    request = protos.e2e.AppStateSyncKeyRequest(keyIDs=[key, protos.e2e.AppStateSyncKeyId(keyID=b"k")])
    assert to_json(request) == {"keyIds": [{"keyId": ""}, {"keyId": "aw=="}]}
    assert to_json(protos.e2e.ReactionMessage(text="", senderTimestampMS=-1)) == {"text": "", "senderTimestampMs": "-1"}


def test_maps() -> None:
    """Keys become strings, as in JavaScript."""
    from google.protobuf.struct_pb2 import Struct

    struct = Struct()
    struct.update({"a": "x"})
    assert to_json(struct) == {"fields": {"a": {"string_value": "x"}}}


def test_a_text_that_is_not_utf_8() -> None:
    """Its sender may send any bytes; they must not cost the event."""
    message = protos.e2e.Message.FromString(b"\x0a\x04ab\xff\xfe")
    assert to_json(message) == {"conversation": "ab\ufffd\ufffd"}


def filled(kind: Any, depth: int = 0) -> Any:
    """A message with something in every field, down to some depth."""
    message = kind() if callable(kind) else kind
    for field in message.DESCRIPTOR.fields:
        held = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.message_type is not None:
            part = held.add() if field.is_repeated else held
            part.SetInParent()
            if depth < 2:
                filled(part, depth + 1)
        elif field.is_repeated:
            held.extend([sample(field)] * 2)
        else:
            setattr(message, field.name, sample(field))
    return message


def sample(field: Any) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    kinds = {field.CPPTYPE_BOOL: True, field.CPPTYPE_FLOAT: 0.5, field.CPPTYPE_DOUBLE: -6.2}
    if field.cpp_type == field.CPPTYPE_STRING:
        return b"\xff\x00" if field.type == field.TYPE_BYTES else "ä"
    return kinds.get(field.cpp_type, 7)


def test_there_and_back() -> None:
    """Every field of a message, and of what it holds: the JSON becomes the same message again."""
    message = filled(protos.e2e.Message)
    assert len(message.ListFields()) == len({field.name for field, _ in message.ListFields()}) > 90
    assert from_json(protos.e2e.Message, to_json(message)) == message


def test_names_are_unique() -> None:
    """Or the way back would not be known: no two fields of a message share a name."""
    for kind in {field.containing_type for field in every_field()}:
        names = [json_name(field.name) for field in kind.fields]
        assert len(names) == len(set(names)), kind.full_name


def test_back_from_maps_and_empty_parts() -> None:
    from google.protobuf.struct_pb2 import Struct

    struct = Struct()
    struct.update({"a": 1.5})
    empty = protos.e2e.Message(imageMessage=protos.e2e.ImageMessage())
    assert from_json(Struct, {"fields": {}}) == Struct()
    assert from_json(protos.e2e.Message, to_json(empty)) == empty


@pytest.mark.parametrize(
    "data",
    [
        {"conversation": 5},
        {"imageMessage": "x"},
        {"imageMessage": {"fileSha256": "not base64!"}},
        {"imageMessage": {"fileLength": "many"}},
        {"imageMessage": {"fileLength": -1}},
        {"imageMessage": {"scanLengths": 5}},
        {"listMessage": {"listType": "NO_SUCH"}},
        {"contactsArrayMessage": {"contacts": {"displayName": "a"}}},
        {"contactsArrayMessage": {"contacts": [5]}},
    ],
)
def test_what_is_no_message(data: dict[str, Any]) -> None:
    """One error, whatever is wrong."""
    with pytest.raises(InvalidInput):
        from_json(protos.e2e.Message, data)


def test_what_a_newer_schema_has() -> None:
    """It is left out, and the rest is kept."""
    message = from_json(protos.e2e.Message, {"conversation": "a", "holographicMessage": {"x": 1}, "imageMessage": None})
    assert message == protos.e2e.Message(conversation="a")
