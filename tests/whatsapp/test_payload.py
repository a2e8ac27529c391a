"""Protobufs in JSON under the original's names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from warest.whatsapp import protos
from warest.whatsapp.payload import json_name, to_json

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
