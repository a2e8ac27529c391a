"""App state: patches of sessions are read as the account's other devices would read them, and refused as they would."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.harness import Client, SandboxProcess, Start
from sandbox.world import World
from support.waiting import eventually
from warest import commands
from warest.sandbox import app_state, mutations
from warest.sandbox.nodes import Node
from warest.whatsapp import library, protos

ANI, BUDI = "628110000001", "628110000002"


def archived(value: bool) -> Any:
    action = protos.sync_action.SyncActionValue(timestamp=5)
    action.archiveChatAction.archived = value
    return action


def say(world: World, patch: bytes, *, version: int = 0, name: str = "regular_low") -> Node:
    """A session sets one collection; the answer."""
    collection = Node("collection", {"name": name, "version": str(version)}, [Node("patch", {}, patch)])
    (answer,) = world.say(
        "iq", [Node("sync", {}, [collection])], id="1", type="set", xmlns="w:sync:app:state", to=world.ani.pn
    )
    return answer


async def test_patches_are_read_and_ordered(world: World) -> None:
    """A record that is set again replaces the old one in the state, which the next MACs are over."""
    state = mutations.State(world.ani, "regular_low")
    for version, value in enumerate((True, False, True)):
        patch = state.patch(["archive", "x@lid"], archived(value))
        answer = say(world, patch, version=version)
        assert answer.child("sync", "collection").attrs["version"] == str(version + 1)
        state.apply(protos.server_sync.SyncdPatch.FromString(patch))
    shown = app_state.show(world.network, world.ani)
    assert [each["value"]["archiveChatAction"] for each in shown["regular_low"]] == [
        {"archived": True}, {"archived": False}, {"archived": True},
    ]  # fmt: skip
    assert shown["regular_low"][0] == {
        "version": 1, "operation": "set", "index": ["archive", "x@lid"],
        "value": {"timestamp": "5", "archiveChatAction": {"archived": True}},
    }  # fmt: skip
    assert [each["index"] for each in shown["critical_block"]] == [["setting_pushName"]]
    assert world.violations() == []


async def test_a_patch_for_another_version_is_a_conflict(world: World) -> None:
    patch = mutations.State(world.ani, "critical_block").patch(["archive", "x@lid"], archived(True))
    collection = say(world, patch, version=0, name="critical_block").child("sync", "collection")
    assert (collection.attrs["type"], collection.child("error").attrs["code"]) == ("error", "409")
    assert len(list(collection.child("patches").each("patch"))) == 1
    assert world.violations() == []


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("snapshotMAC", "snapshot MAC is of another state"),
        ("patchMAC", "patch MAC is wrong"),
        ("keyID", "never gave out"),
        ("index", "index MAC is wrong"),
        ("value", "value MAC is wrong"),
        ("key", "another key"),
    ],
)
async def test_a_patch_that_no_device_would_take(world: World, field: str, error: str) -> None:
    data = mutations.State(world.ani, "regular_low").patch(["archive", "x@lid"], archived(True))
    patch = protos.server_sync.SyncdPatch.FromString(data)
    record = patch.mutations[0].record
    places = {"keyID": (patch.keyID, "ID"), "key": (record.keyID, "ID"), "index": (record.index, "blob")}
    place, name = {**places, "value": (record.value, "blob")}.get(field, (patch, field))
    setattr(place, name, bytes([getattr(place, name)[0] ^ 1]) + getattr(place, name)[1:])
    assert say(world, patch.SerializeToString()).attrs["type"] == "error"
    assert [error in each for each in world.violations()] == [True]
    assert app_state.show(world.network, world.ani)["regular_low"] == []


@pytest.mark.parametrize("name", ["", "regular_lower"])
async def test_a_collection_that_nobody_has(world: World, name: str) -> None:
    assert say(world, b"", name=name).attrs["type"] == "error"
    assert ["unknown collection" in each for each in world.violations()] == [True]


def test_what_the_engine_itself_writes_is_read(sandbox: SandboxProcess, client: Start) -> None:
    """Its own patches have MACs that fit, over what the phone has written before."""
    sandbox.phone(ANI, "Ani")
    session = client("ani").link(ANI)
    eventually(lambda: bool(session.call("me") == "Ani"), what="the session has its name")
    session.call("name", name="Ani the bot")
    shown = sandbox.get(f"/phones/{ANI}/app-state")["critical_block"]
    names = [each["value"]["pushNameSetting"]["name"] for each in shown]
    assert names == ["Ani", "Ani the bot"] and shown[1]["index"] == ["setting_pushName"]


@pytest.mark.parametrize(
    ("collection", "index", "value"),
    [
        ("REGULAR_LOW", ["archive", "1@lid"], {"archiveChatAction": {"archived": True}}),
        ("REGULAR_HIGH", ["star", "1@lid", "3A", "0", "0"], {"starAction": {"starred": True}}),
        ("REGULAR", ["label_edit", "1"], {"labelEditAction": {"name": "x"}}),
    ],
)
def test_a_session_sets_app_state(
    sandbox: SandboxProcess, client: Start, collection: str, index: list[str], value: dict[str, Any]
) -> None:
    """With trap 4 mended, which neonize alone cannot."""
    sandbox.phone(ANI, "Ani")
    session = client("ani").link(ANI)
    eventually(lambda: bool(session.call("me") == "Ani"), what="the session has its app state keys")
    for version in (1, 2):
        session.call("app_state", collection=collection, index=index, value=value)
        shown = sandbox.get(f"/phones/{ANI}/app-state")[collection.lower()]
        assert [each["version"] for each in shown] == list(range(1, version + 1))
        assert shown[-1]["index"] == index and value.items() <= shown[-1]["value"].items()


def test_commands_without_a_route(sandbox: SandboxProcess, client: Start) -> None:
    """A chat is pinned and marked, and a message in it pinned, by the engine and as our own commands say it."""
    sandbox.phone(ANI, "Ani")
    sandbox.phone(BUDI, "Budi")
    session = client("ani").link(ANI)
    eventually(lambda: bool(session.call("me") == "Ani"), what="the session has its app state keys")
    chat = f"{BUDI}@s.whatsapp.net"
    sent = session.send(BUDI, "pin me")
    key = commands.Key(chat=chat, id=sent, from_me=True, timestamp=1_700_000_000)

    def run(command: commands.Command) -> None:
        assert session.call("execute", command=commands.encode(command)) == {"synced": True}

    run(commands.PinChat(chat=chat, pinned=True))
    run(commands.MarkChatRead(chat=chat, read=False, last=key))
    pinned, marked = sandbox.get(f"/phones/{ANI}/app-state")["regular_low"]
    assert (pinned["index"], pinned["value"]["pinAction"]) == (["pin_v1", chat], {"pinned": True})
    action = marked["value"]["markChatAsReadAction"]
    assert (marked["index"], action["read"]) == (["markChatAsRead", chat], False)
    assert action["messageRange"] == {
        "lastMessageTimestamp": "1700000000",
        "messages": [{"key": {"remoteJID": chat, "fromMe": True, "ID": sent}, "timestamp": "1700000000"}],
    }
    run(commands.PinMessage(key=key, pin=True, seconds=86_400))
    eventually(lambda: bool(sandbox.shown(BUDI, sent).get("pinned")), what="the pin")
    run(commands.PinMessage(key=key, pin=False))
    eventually(lambda: not sandbox.shown(BUDI, sent)["pinned"], what="the pin to be gone")


def test_what_neonize_makes_of_app_state(tmp_path: Path, tokens: library.Tokens) -> None:
    """Trap 4, as it is: the collection has no name on the wire, and the call fails. Nothing is set."""
    sandbox = SandboxProcess(tmp_path / "sandbox", tokens)
    sandbox.phone(ANI, "Ani")
    session = Client.neonize(sandbox, tmp_path / "ani.sqlite3", mended=False).link(ANI)
    try:
        eventually(lambda: bool(session.call("me") == "Ani"), what="the session has its app state keys")
        value = {"archiveChatAction": {"archived": True}}
        session.order("app_state", collection="REGULAR_LOW", index=["archive", "1@lid"], value=value)
        assert "SendAppStateError" in session.wait("failed")["error"]
        (violation,) = sandbox.get("/violations")
        assert "no text name=" in violation["what"] and '<collection version="0"' in violation["node"], violation
        assert sandbox.get(f"/phones/{ANI}/app-state")["regular_low"] == []
    finally:
        session.kill()
        sandbox.close()
