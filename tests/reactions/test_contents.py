"""Messages that actions bring as a whole, and how their files are changed: only what is allowed (quirk S11)."""

from typing import Any

import pytest

from warest.errors import InvalidInput
from warest.media.options import Compression
from warest.reactions import contents
from warest.reactions.actions import Action
from warest.reactions.transforms import wishes

#: However little it gains.
ANY = {"minBytes": 0, "minSavings": 0}

INNER = {"imageMessage": {"url": "u"}}


@pytest.mark.parametrize(
    "message",
    [
        {"conversation": "x"},
        {"imageMessage": {}, "messageContextInfo": {"messageSecret": "x"}},
        {"viewOnceMessage": {"message": INNER}},
        {"ephemeralMessage": {"message": {"viewOnceMessageV2": {"message": INNER}}}},
    ],
)
def test_what_people_see_is_sent(message: dict[str, Any]) -> None:
    assert "messageContextInfo" not in contents.content_of(message)


@pytest.mark.parametrize(
    "message",
    [
        {"protocolMessage": {"type": "REVOKE"}},
        {"conversation": "x", "protocolMessage": {}},
        {"deviceSentMessage": {"message": INNER}},
        {"viewOnceMessage": {"message": {"protocolMessage": {}}}},
        {"viewOnceMessage": {"message": {**INNER, "protocolMessage": {}}}},
        {"viewOnceMessage": {"message": {"viewOnceMessage": {"message": {"viewOnceMessage": {"message": INNER}}}}}},
        {"viewOnceMessage": "x"},
        {"senderKeyDistributionMessage": {}},
        {"appStateSyncKeyShare": {}},
        {},
    ],
)
def test_what_commands_devices_is_not(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        contents.content_of(message)


def test_words_of_the_library() -> None:
    """Its messages with a file, a place or a text are our actions."""
    assert contents.as_action({"video": {"url": "u"}, "gifPlayback": True, "caption": "c"}) == {
        "type": "media", "mediaType": "gif", "url": "u", "caption": "c",
    }  # fmt: skip
    assert contents.as_action({"document": {"url": "u"}, "fileName": "a.pdf"}) == {
        "type": "document", "url": "u", "filename": "a.pdf", "caption": None,
    }  # fmt: skip
    assert contents.as_action({"conversation": "x"}) is None
    assert contents.forwarded({"forward": {"key": {}, "message": INNER}}) == INNER
    assert contents.poll_of({"poll": {"name": "?", "values": ["a", "b", "a"], "selectableCount": 9}}) == (
        "?",
        ("a", "b"),
        2,
    )
    with pytest.raises(InvalidInput):
        contents.poll_of({"poll": {"name": "?"}})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, {"enabled": False}),
        (
            {"transform": {"sharp": {"resize": {"width": 300, "height": "200"}}}},
            {"image": {"maxDimension": 300, **ANY}},
        ),
        ({"transform": {"sharp": {"webp": {}}}}, {"image": {"quality": 90, **ANY}}),
        ({"transform": {"sharp": {"jpeg": {"quality": 50, "mozjpeg": True}}}}, {"image": {"quality": 50, **ANY}}),
        (
            {"transcode": {"preset": "fast", "audioBitrate": "128k", "extraArgs": ["-i", "/etc/passwd"]}},
            {"video": {"audioBitrateK": 128, "preset": "fast", **ANY}, "audio": {"bitrateK": 128, **ANY}},
        ),
        ({"transcode": {"preset": "x; rm", "format": "../../x", "extraArgs": ["-y"]}}, {"enabled": False}),
        ({"transform": "x", "transcode": [1]}, {"enabled": False}),
        ({"compression": {"quality": 3}}, {"quality": 3}),
    ],
)
def test_how_files_are_changed(told: dict[str, Any], expected: dict[str, Any]) -> None:
    """Sizes, qualities, presets and bitrates; never arguments."""
    got = wishes(Action("media", told, "0"))
    assert got == {"enabled": True, **expected}
    Compression().overridden(got)
