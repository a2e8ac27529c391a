"""What a command becomes, as far as that needs no connection."""

from typing import Any

import pytest

from warest import commands
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WarestError, WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import contents, outbound
from warest.whatsapp.outbound import engine
from warest.whatsapp.payload import to_json

ANI = "628111@s.whatsapp.net"


def content(**command: Any) -> dict[str, Any]:
    return to_json(contents.text(commands.SendText(to=(ANI,), text="*hi* 😀", **command), ANI))


def test_a_plain_text_is_a_conversation() -> None:
    """As phones send it, to the letter."""
    assert content() == {"conversation": "*hi* 😀"}


def test_mentions() -> None:
    """An extended text that names them."""
    assert content(mentions=("1@lid", ANI)) == {
        "extendedTextMessage": {"text": "*hi* 😀", "contextInfo": {"mentionedJid": ["1@lid", ANI]}}
    }


def test_forwarded() -> None:
    """With a score, or phones do not show it."""
    assert content(forwarded=True)["extendedTextMessage"]["contextInfo"] == {"forwardingScore": 1, "isForwarded": True}


def test_a_reply_quotes_by_id() -> None:
    """Without a stored copy the quote is empty, as in the original."""
    assert content(reply_to="3EB0")["extendedTextMessage"]["contextInfo"] == {
        "stanzaId": "3EB0", "participant": ANI, "quotedMessage": {"conversation": ""},
    }  # fmt: skip


MINE = commands.Key(chat=ANI, id="3EB0", from_me=True)
THEIRS = commands.Key(chat="1@g.us", id="3EB0", from_me=False, participant=ANI)


def test_a_reaction() -> None:
    """To somebody's message in a group: the key names who wrote it."""
    made = to_json(contents.reaction(THEIRS, "🎉"))["reactionMessage"]
    assert made["key"] == {"remoteJid": "1@g.us", "fromMe": False, "id": "3EB0", "participant": ANI}
    assert (made["text"], int(made["senderTimestampMs"]) > 1_700_000_000_000) == ("🎉", True)


def test_an_edit() -> None:
    """A plain text is one again; with mentions it is an extended one."""
    for mentions, expected in (
        ((), {"conversation": "new"}),
        ((ANI,), {"extendedTextMessage": {"text": "new", "contextInfo": {"mentionedJid": [ANI]}}}),
    ):
        made = to_json(contents.edit(commands.Edit(key=MINE, text="new", mentions=mentions)))
        protocol = made["editedMessage"]["message"]["protocolMessage"]
        assert protocol["key"] == {"remoteJid": ANI, "fromMe": True, "id": "3EB0"}
        assert (protocol["type"], protocol["editedMessage"]) == ("MESSAGE_EDIT", expected)


def test_a_revoke() -> None:
    assert to_json(contents.revoke(MINE)) == {
        "protocolMessage": {"key": {"remoteJid": ANI, "fromMe": True, "id": "3EB0"}, "type": "REVOKE"}
    }


def test_a_pin() -> None:
    """For a time; an unpin has none."""
    pinned = to_json(contents.pin(commands.PinMessage(key=MINE, pin=True, seconds=86_400)))
    assert pinned["pinInChatMessage"]["type"] == "PIN_FOR_ALL"
    assert pinned["messageContextInfo"] == {"messageAddOnDurationInSecs": 86_400}
    unpinned = to_json(contents.pin(commands.PinMessage(key=MINE, pin=False)))
    assert unpinned["pinInChatMessage"]["type"] == "UNPIN_FOR_ALL" and "messageContextInfo" not in unpinned


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("websocket not connected", NotConnected),
        ("client is nil", NotConnected),
        ("info query timed out", CommandTimeout),
        ("websocket disconnected before info query returned response", CommandTimeout),
        ("context canceled", CommandTimeout),
        ("no LID found for 628999@s.whatsapp.net from server", InvalidInput),
        ("server returned error 463", WhatsAppRefused),
        ("", WhatsAppRefused),
    ],
)
def test_what_the_engines_errors_mean(said: str, error: type[WarestError]) -> None:
    """Above all: whether the message may have been sent (trap 12)."""
    assert type(engine.refusal(Exception(said))) is error


def test_addresses_are_complete() -> None:
    """The engine refuses a JID of which a field is unset."""
    jid = engine.engine_jid(Jid("628111", "s.whatsapp.net", 3))
    assert jid.IsInitialized() and (jid.User, jid.Server, jid.Device) == ("628111", "s.whatsapp.net", 3)


def test_every_command_has_a_handler() -> None:
    """What can be ordered can be done."""
    assert set(outbound._HANDLERS) == set(commands.type_of.values())
