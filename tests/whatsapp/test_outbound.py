"""What a command becomes, as far as that needs no connection."""

from types import SimpleNamespace
from typing import Any

import pytest

from support.engine import Engine, linked
from warest import commands
from warest.errors import CommandTimeout, InvalidInput, NotConnected, WarestError, WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import contents, outbound, presence, protos
from warest.whatsapp.contents import actions
from warest.whatsapp.outbound import engine, many_files, sends
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


QUOTED = {"chat": ANI, "participant": "1@lid", "message": {"imageMessage": {
    "caption": "c", "fileSha256": "AAE=", "contextInfo": {"stanzaId": "older"},
}, "messageContextInfo": {"messageSecret": "AAE="}}}  # fmt: skip


def test_a_reply_quotes_the_message() -> None:
    """Without what that one quotes itself, and without its secrets."""
    assert content(reply_to="3EB0", quoted=QUOTED)["extendedTextMessage"]["contextInfo"] == {
        "stanzaId": "3EB0", "participant": "1@lid",
        "quotedMessage": {"imageMessage": {"caption": "c", "fileSha256": "AAE="}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chat", "named"), [(ANI, None), ("1@g.us", "1@g.us"), ("1@lid", None), ("628222@s.whatsapp.net",) * 2]
)
def test_a_message_of_another_chat_is_quoted_with_the_chat(chat: str, named: str | None) -> None:
    """Unless that may be the same person, by another name."""
    context = content(reply_to="3EB0", quoted={**QUOTED, "chat": chat})["extendedTextMessage"]["contextInfo"]
    assert context.get("remoteJid") == named


@pytest.mark.parametrize(
    "message",
    [{}, {"imageMessage": 5}, {"hologram": {}}, {"messageContextInfo": {}}, {"documentWithCaptionMessage": {}}],
)
def test_what_cannot_be_quoted(message: dict[str, Any]) -> None:
    """The answer goes out with an empty quote."""
    context = content(reply_to="3EB0", quoted={**QUOTED, "message": message})["extendedTextMessage"]["contextInfo"]
    assert context["quotedMessage"] == {"conversation": ""}


def test_what_is_wrapped_is_quoted_without_its_wrapper() -> None:
    wrapped = {"viewOnceMessageV2": {"message": QUOTED["message"]}}
    context = content(reply_to="3EB0", quoted={**QUOTED, "message": wrapped})["extendedTextMessage"]["contextInfo"]
    assert list(context["quotedMessage"]) == ["imageMessage"]


def test_messages_that_disappear() -> None:
    """In their chats only."""
    assert content(expirations={ANI: 86400})["extendedTextMessage"]["contextInfo"] == {"expiration": 86400}
    assert content(expirations={"1@g.us": 86400}) == {"conversation": "*hi* 😀"}


def test_a_preview() -> None:
    """Of the link; what is not known of it is left out, and of nothing there is none."""
    assert content(link="https://x", preview={"title": "t", "thumbnail": "AAE="}) == {
        "extendedTextMessage": {"text": "*hi* 😀", "matchedText": "https://x", "title": "t", "jpegThumbnail": "AAE="}
    }
    assert content(link="https://x") == {"conversation": "*hi* 😀"}


@pytest.mark.parametrize(
    ("shown", "steps"),
    [
        ("available", ["available"]),
        ("composing", ["available", "composing", "paused"]),
        ("recording", ["available", "recording", "paused"]),
        ("unavailable", ["available", "unavailable"]),
        ("paused", ["available", "paused"]),
    ],
)
def test_what_is_shown_before(shown: str, steps: list[str]) -> None:
    """As long as the contract says: each step for a while, all of it for five seconds at most."""
    told = list(presence.steps(shown))
    assert [step for step, _ in told] == steps
    assert all(0.2 < seconds < 3.7 for _, seconds in told) and sum(seconds for _, seconds in told) < 5
    assert set(commands.PRESENCES) == set(presence._THEN)


BUDI = "628222@s.whatsapp.net"


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ("websocket not connected", "timed out", CommandTimeout),
        ("server returned error 463", "websocket not connected", WhatsAppRefused),
        ("websocket not connected", "websocket not connected", NotConnected),
    ],
)
def test_what_a_failed_send_is_called(first: str, second: str, error: type[WarestError]) -> None:
    """If anybody may have got it, it must not look as if it could be sent again."""
    client = linked(Engine({"628111": [first], "628222": [second]}))
    with pytest.raises(error):
        sends.text(client, commands.SendText(to=(ANI, BUDI), text="x"), lambda _: b"")


FILES = tuple(
    {"file": f"spool/{name}", "name": name, "mimetype": "text/plain", "size": 1, "caption": "", "reply_to": None}
    for name in ("a", "b")
)


def test_files_go_to_everybody_whatever_becomes_of_one() -> None:
    """The second of the first recipient is refused: that is told of him, and nobody else misses anything."""
    fake = Engine({"628111": ["", "no"], "628222": ["", ""]})
    results = many_files.send(linked(fake), commands.SendFiles(to=(ANI, BUDI), files=FILES), lambda _: b"x")
    assert [user for user, _ in fake.sent] == ["628111", "628222", "628222"]
    assert [result.get("error", {}).get("message") for result in results] == ["WhatsApp refused: no", None]
    told = [[file.get("message_id") for file in result["files"]] for result in results]
    assert told == [["M1", None], ["M2", "M3"]]


def test_files_of_which_one_cannot_be_uploaded() -> None:
    fake = Engine({"628111": [""]}, ["no", ""])
    (result,) = many_files.send(linked(fake), commands.SendFiles(to=(ANI,), files=FILES), lambda _: b"x")
    assert ["error" in file for file in result["files"]] == [True, False] and "error" in result
    assert result["timestamp"] == 5


@pytest.mark.parametrize(
    ("uploads", "sends", "error", "taken"),
    [
        (["websocket not connected"], [], NotConnected, 1),  # nothing has gone: the command may be tried again
        (["no", "no"], [], WhatsAppRefused, 2),
        ([], ["no", "timed out"], CommandTimeout, 2),
    ],
)
def test_files_that_nobody_gets(uploads: list[str], sends: list[str], error: type[WarestError], taken: int) -> None:
    """One error, with what became of each."""
    took: list[str] = []
    client = linked(Engine({"628111": sends}, uploads))

    def take(key: str) -> bytes:
        took.append(key)
        return b"x"

    with pytest.raises(error) as raised:
        many_files.send(client, commands.SendFiles(to=(ANI,), files=FILES), take)
    assert len(took) == taken
    if error is not NotConnected:
        assert len(raised.value.details["results"][0]["files"]) == 2


def test_everybody_in_a_group_is_named() -> None:
    """Those whom the engine knows there, once each; in other chats there is nobody else."""
    participants = [protos.engine.GroupParticipant(JID=engine.engine_jid(Jid(user, "lid"))) for user in ("1", "2")]

    group = protos.engine.GroupInfo(Participants=participants)
    client: Any = SimpleNamespace(engine=SimpleNamespace(get_group_info=lambda _: group))
    command = commands.SendText(to=("1@g.us", ANI), text="hi", mentions=("1@lid",), mention_all=True)
    everybody = sends.everybody(client, command, Jid.parse("1@g.us"))
    assert everybody == ["1@lid", "2@lid"] and sends.everybody(client, command, Jid.parse(ANI)) == []
    told = to_json(contents.text(command, "1@g.us", everybody))
    assert told["extendedTextMessage"]["contextInfo"]["mentionedJid"] == ["1@lid", "2@lid"]


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


def test_a_message_as_it_is_written() -> None:
    """In the original's JSON; forwarded, it no longer tells of whom it answered and named."""
    written = {
        "imageMessage": {"url": "u", "mediaKey": "AAEC", "contextInfo": {"stanzaId": "Q", "mentionedJid": [ANI]}}
    }
    content = contents.as_written(commands.SendContent(to=(ANI,), content=written), ANI)
    assert (content.imageMessage.URL, content.imageMessage.mediaKey) == ("u", bytes(range(3)))
    assert content.imageMessage.contextInfo.stanzaID == "Q"
    content = contents.as_written(commands.SendContent(to=(ANI,), content=written, forwarded=True), ANI)
    assert to_json(content.imageMessage.contextInfo) == {"forwardingScore": 1, "isForwarded": True}
    plain = commands.SendContent(to=(ANI,), content={"conversation": "words"}, forwarded=True)
    assert contents.as_written(plain, ANI).extendedTextMessage.text == "words"
    with pytest.raises(InvalidInput):
        contents.as_written(commands.SendContent(to=(ANI,), content={"imageMessage": "x"}), ANI)


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
