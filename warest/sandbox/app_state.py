"""App state: encrypted patches that keep an account's devices alike. The server stores and orders them.

The first patch is the phone's; all others come from sessions. WhatsApp could not read them; here the phone does, and
refuses in the server's place what it would not believe.
"""

import time
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from warest.sandbox import mutations
from warest.sandbox.accounts import Account, Device
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.whatsapp import protos

if TYPE_CHECKING:
    from warest.sandbox.network import Network

_COLLECTIONS = frozenset({"critical_block", "critical_unblock_low", "regular", "regular_low", "regular_high"})


def answer(network: "Network", device: Device, iq: Node) -> list[Node]:
    collections = [_collection(network, device, asked) for asked in iq.child("sync").each("collection")]
    return [Node("sync", {}, collections)]


def _collection(network: "Network", device: Device, asked: Node) -> Node:
    name = asked.text("name")
    # Without a version the device knows nothing and wants a snapshot; patches from the first one are as good.
    known = asked.number("version") if "version" in asked.attrs else 0
    if name not in _COLLECTIONS:
        raise MalformedNode(f"the unknown collection {name!r}")
    account = device.account
    current = _version(network, account, name)
    patch = asked.find("patch")
    if patch is None:
        return _page(network, account, name, known, current)
    if known != current:
        conflict = _page(network, account, name, known, current)
        conflict.attrs["type"] = "error"
        conflict.children.append(Node("error", {"code": "409", "text": "conflict"}))
        return conflict
    state = _state(network, account, name)
    try:
        state.apply(_parsed(patch.data))
    except mutations.WrongPatch as error:
        raise MalformedNode(f"a patch of {name} that no other device would take: {error}") from error
    _append(network, account, name, current + 1, patch.data)
    network.tell_of_app_state(account, name, current + 1, but=device)
    return Node("collection", {"name": name, "type": "result", "version": str(current + 1)})


def _version(network: "Network", account: Account, name: str) -> int:
    where = "select coalesce(max(version), 0) from app_state where phone = ? and collection = ?"
    return int(network.store.read(where, account.phone, name)[0][0])


def _page(network: "Network", account: Account, name: str, known: int, current: int) -> Node:
    """The patches after the version that the device knows."""
    rows = network.store.read(
        "select patch from app_state where phone = ? and collection = ? and version > ? order by version",
        *(account.phone, name, known),
    )
    attrs: dict[str, Value] = {"name": name, "type": "result", "version": str(current), "has_more_patches": "false"}
    patches = [Node("patch", {}, patch) for (patch,) in rows]
    return Node("collection", attrs, [Node("patches", {}, patches)] if patches else [])


def begin(network: "Network", account: Account) -> None:
    """The phone writes its owner's name, which its sessions take over when they are linked."""
    setting = protos.sync_action.SyncActionValue(timestamp=int(time.time() * 1000))
    setting.pushNameSetting.name = account.name
    write(network, account, "critical_block", ["setting_pushName"], setting)


def write(network: "Network", account: Account, name: str, index: list[str], setting: Any) -> None:
    """The phone sets one record of a collection, a SyncActionValue, and its sessions hear of it."""
    version = _version(network, account, name) + 1
    _append(network, account, name, version, _state(network, account, name).patch(index, setting))
    network.tell_of_app_state(account, name, version)


def _append(network: "Network", account: Account, name: str, version: int, data: bytes) -> None:
    """Store a patch under its version: the client leaves that to the server."""
    patch = _parsed(data)
    patch.version.version = version
    network.store.write(
        "insert into app_state values (?, ?, ?, ?)", account.phone, name, version, patch.SerializeToString()
    )


def _parsed(data: bytes) -> Any:
    try:
        return protos.server_sync.SyncdPatch.FromString(data)
    except DecodeError as error:
        raise MalformedNode("<patch> holds no SyncdPatch") from error


def _state(network: "Network", account: Account, name: str) -> mutations.State:
    """The collection as a device has it that knows all patches."""
    state = mutations.State(account, name)
    for (patch,) in network.store.read(
        "select patch from app_state where phone = ? and collection = ? order by version", account.phone, name
    ):
        state.apply(_parsed(patch))
    return state


def show(network: "Network", account: Account) -> dict[str, list[dict[str, Any]]]:
    """What the patches of each collection did, in their order."""
    return {name: _state(network, account, name).mutations for name in sorted(_COLLECTIONS)}
