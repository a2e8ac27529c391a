"""Messages about other messages: whose they are about, from whichever side they are seen."""

from typing import Any

import pytest

from warest.whatsapp import protos, updates

E2E = protos.e2e

ME, MY_LID = "628111@s.whatsapp.net", "9001@lid"
BUDI = "628222@s.whatsapp.net"


def key(*, from_me: bool, participant: str = "") -> Any:
    told = {"remoteJID": "x", "fromMe": from_me, "ID": "M1"}
    return protos.common.MessageKey(**told, **({"participant": participant} if participant else {}))


def reaction(**said: Any) -> updates.Update:
    update = updates.of(E2E.Message(reactionMessage=E2E.ReactionMessage(key=key(**said), text="x")))
    assert update is not None
    return update


@pytest.mark.parametrize(
    ("said", "from_me", "ours"),
    [
        ({"from_me": True}, False, False),  # he reacts to what he has written
        ({"from_me": False}, False, True),  # he reacts to what we have written
        ({"from_me": True}, True, True),  # we, on the phone, to our own
        ({"from_me": False}, True, False),  # we, on the phone, to his
        ({"from_me": False, "participant": f"{MY_LID}"}, False, True),  # in a group, to ours
        ({"from_me": False, "participant": "628111:7@s.whatsapp.net"}, False, True),
        ({"from_me": False, "participant": BUDI}, False, False),
        ({"from_me": True, "participant": BUDI}, False, False),
    ],
)
def test_whose_message_it_is_about(said: dict[str, Any], from_me: bool, ours: bool) -> None:
    """A key is written from its sender's side, and told from ours."""
    told = reaction(**said).target_key("chat", {"fromMe": from_me}, [ME, MY_LID])
    assert (told["remoteJid"], told["fromMe"], told["id"]) == ("chat", ours, "M1")
    assert ":" not in told.get("participant", "")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"protocolMessage": {"type": "REVOKE", "key": {"ID": "M1"}}}, "revoke"),
        ({"protocolMessage": {"type": "MESSAGE_EDIT", "key": {"ID": "M1"}}}, "edit"),
        ({"protocolMessage": {"type": "EPHEMERAL_SETTING"}}, None),
        ({"protocolMessage": {"type": "REVOKE"}}, None),
        ({"pinInChatMessage": {"key": {"ID": "M1"}, "type": "PIN_FOR_ALL"}}, "pin"),
        ({"pollUpdateMessage": {"pollCreationMessageKey": {"ID": "M1"}}}, "vote"),
        ({"conversation": "x"}, None),
        ({}, None),
    ],
)
def test_what_is_an_update(content: dict[str, Any], kind: str | None) -> None:
    """Without the key of a message it is about nothing."""
    update = updates.of(E2E.Message(**content))
    assert (update and update.kind) == kind


def test_notes_have_what_the_database_needs() -> None:
    note = updates.note(reaction(from_me=True), {"remoteJid": "chat", "id": "M1"}, by=BUDI, at=5, own="R1")
    assert note == {"do": "reaction", "chat": "chat", "id": "M1", "by": BUDI, "at": 5, "own": "R1", "emoji": "x"}
