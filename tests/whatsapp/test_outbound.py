"""What a command becomes, as far as that needs no connection."""

from typing import Any

import pytest

from warest import commands
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WarestError, WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import contents, outbound
from warest.whatsapp.contents import actions
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
    made = to_json(actions.reaction(THEIRS, "🎉"))["reactionMessage"]
    assert made["key"] == {"remoteJid": "1@g.us", "fromMe": False, "id": "3EB0", "participant": ANI}
    assert (made["text"], int(made["senderTimestampMs"]) > 1_700_000_000_000) == ("🎉", True)


def test_an_edit() -> None:
    """A plain text is one again; with mentions it is an extended one."""
    for mentions, expected in (
        ((), {"conversation": "new"}),
        ((ANI,), {"extendedTextMessage": {"text": "new", "contextInfo": {"mentionedJid": [ANI]}}}),
    ):
        made = to_json(actions.edit(commands.Edit(key=MINE, text="new", mentions=mentions)))
        protocol = made["editedMessage"]["message"]["protocolMessage"]
        assert protocol["key"] == {"remoteJid": ANI, "fromMe": True, "id": "3EB0"}
        assert (protocol["type"], protocol["editedMessage"]) == ("MESSAGE_EDIT", expected)


def test_a_revoke() -> None:
    assert to_json(actions.revoke(MINE)) == {
        "protocolMessage": {"key": {"remoteJid": ANI, "fromMe": True, "id": "3EB0"}, "type": "REVOKE"}
    }


def test_a_pin() -> None:
    """For a time; an unpin has none."""
    pinned = to_json(actions.pin(commands.PinMessage(key=MINE, pin=True, seconds=86_400)))
    assert pinned["pinInChatMessage"]["type"] == "PIN_FOR_ALL"
    assert pinned["messageContextInfo"] == {"messageAddOnDurationInSecs": 86_400}
    unpinned = to_json(actions.pin(commands.PinMessage(key=MINE, pin=False)))
    assert unpinned["pinInChatMessage"]["type"] == "UNPIN_FOR_ALL" and "messageContextInfo" not in unpinned


def test_contacts() -> None:
    """One stands alone."""
    one = commands.SendContacts(to=(ANI,), cards=(("A", "BEGIN"),), title="A", forwarded=True)
    assert to_json(contents.contacts(one, ANI)) == {
        "contactMessage": {
            "displayName": "A", "vcard": "BEGIN", "contextInfo": {"forwardingScore": 1, "isForwarded": True},
        }
    }  # fmt: skip
    two = commands.SendContacts(to=(ANI,), cards=(("A", "a"), ("B", "b")), title="2 contacts")
    assert to_json(contents.contacts(two, ANI)) == {
        "contactsArrayMessage": {
            "displayName": "2 contacts",
            "contacts": [{"displayName": "A", "vcard": "a"}, {"displayName": "B", "vcard": "b"}],
        }
    }


def test_a_location() -> None:
    """A name that it does not have is left out; degrees are told even where they are 0."""
    place = commands.SendLocation(to=(ANI,), latitude=0.0, longitude=-6.2, address="x", reply_to="Q")
    told = to_json(contents.location(place, ANI))["locationMessage"]
    assert told.pop("contextInfo")["stanzaId"] == "Q"
    assert told == {"degreesLatitude": 0.0, "degreesLongitude": -6.2, "address": "x"}


@pytest.mark.parametrize(("selectable", "kind"), [(1, "pollCreationMessageV3"), (2, "pollCreationMessage")])
def test_a_poll(selectable: int, kind: str) -> None:
    """With the secret that its votes are encrypted with."""
    poll = commands.SendPoll(to=(ANI,), question="?", options=("a", "b"), selectable=selectable)
    assert to_json(contents.poll(poll, ANI, b"0" * 32)) == {
        "messageContextInfo": {"messageSecret": "MDAw" * 10 + "MDA="},
        kind: {
            "name": "?", "options": [{"optionName": "a"}, {"optionName": "b"}], "selectableOptionsCount": selectable,
        },
    }  # fmt: skip


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
