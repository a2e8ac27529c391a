"""The <iq> that linked sessions ask: one table from (xmlns, type, first child) to the function that answers.

A handler returns the children of the result. What the table does not know is a violation, answered with 501.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from warest.ids import Jid
from warest.sandbox import app_state, group_iq, media, mex, profile_iq, usync
from warest.sandbox.accounts import Device
from warest.sandbox.crypto import DJB, signed
from warest.sandbox.nodes import SERVER, MalformedNode, Node, Value
from warest.sandbox.phones import bundle_nodes
from warest.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from warest.sandbox.network import Network

Handler = Callable[["Network", Device, Node], list[Node]]

#: whatsmeow uploads more one-time prekeys when the server has fewer.
_FEW_PREKEYS = 5


def result(iq: Node, children: list[Node]) -> Node:
    return Node("iq", {"from": iq.attrs.get("to", SERVER), "type": "result", "id": iq.text("id")}, children or None)


def error(iq: Node, code: int, text: str) -> Node:
    attrs = {"from": iq.attrs.get("to", SERVER), "type": "error", "id": iq.text("id")}
    return Node("iq", attrs, [Node("error", {"code": str(code), "text": text})])


def answer(network: "Network", device: Device, iq: Node) -> Node:
    key = (str(iq.attrs.get("xmlns", "")), iq.text("type"), iq.children[0].tag if iq.children else "")
    handler = _HANDLERS.get(key)
    if handler is None:
        network.violations.record(str(device.pn), f"an <iq> that the sandbox does not know: {key}", iq)
        return error(iq, 501, "feature-not-implemented")
    try:
        return result(iq, handler(network, device, iq))
    except Refusal as refusal:
        return error(iq, refusal.code, refusal.text)


def _nothing(network: "Network", device: Device, iq: Node) -> list[Node]:
    return []


def _active(network: "Network", device: Device, iq: Node) -> list[Node]:
    # The answer must come before the first stanza of the offline queue.
    network.call_soon(lambda: network.activate(device))
    return []


def _passive(network: "Network", device: Device, iq: Node) -> list[Node]:
    if device.connection:
        device.connection.active = False
    return []


def _count_prekeys(network: "Network", device: Device, iq: Node) -> list[Node]:
    # To 0 whatsmeow answers with 812 new prekeys, which takes it 2 s; to 1 with 50.
    return [Node("count", {"value": str(max(1, network.prekeys.count(device)))})]


def _upload_prekeys(network: "Network", device: Device, iq: Node) -> list[Node]:
    if iq.child("identity").data != device.identity or iq.child("type").data != DJB:
        raise MalformedNode("prekeys of another identity")
    signature = iq.child("skey", "signature").data
    number, public = _key(iq.child("skey"))
    if not signed(device.identity, DJB + public, signature):
        raise MalformedNode("the signed prekey has a wrong signature")
    network.prekeys.upload(device, (number, public, signature), [_key(key) for key in iq.child("list").each("key")])
    return []


def _key(node: Node) -> tuple[int, bytes]:
    number, public = node.child("id").data, node.child("value").data
    if len(number) != 3 or len(public) != 32:
        raise MalformedNode(f"<{node.tag}> holds no prekey")
    return int.from_bytes(number, "big"), public


def _get_bundles(network: "Network", device: Device, iq: Node) -> list[Node]:
    users = [_bundle(network, user.jid("jid")) for user in iq.child("key").each("user")]
    return [Node("list", {}, users)]


def _bundle(network: "Network", jid: Jid) -> Node:
    account = network.accounts.find(jid)
    if account and jid.device == 0:
        bundle = network.keys.bundle(account)
    elif account and (device := account.devices.get(jid.device)):
        bundle = network.prekeys.bundle(device)
        network.warn_of_few_prekeys(device, _FEW_PREKEYS)
    else:
        return Node("user", {"jid": jid}, [Node("error", {"code": "404", "text": "item-not-found"})])
    registration = Node("registration", {}, bundle.registration.to_bytes(4, "big"))
    return Node("user", {"jid": jid}, [registration, *bundle_nodes(bundle)])


def _unlink(network: "Network", device: Device, iq: Node) -> list[Node]:
    target = network.accounts.device(iq.child("remove-companion-device").jid("jid"))
    if target is None or target.account is not device.account:
        raise MalformedNode("a device that is not one of the account's")
    # The answer must come before the end of the stream.
    network.call_soon(lambda: network.unlink(target))
    return []


def _pass_on_tokens(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Trusted contact tokens: each is for the account that it names."""
    for token in iq.child("tokens").each("token"):
        contact = network.accounts.find(token.jid("jid"))
        if contact is None:
            raise MalformedNode(f"a token for {token.jid('jid')}, which does not exist")
        inner = Node("token", {"type": token.text("type"), "t": token.text("t")}, network.new_token())
        network.notify(contact, "privacy_token", device.account, [Node("tokens", {}, [inner])])
    return []


def _picture(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Of a group, or of an account."""
    if isinstance(target := iq.attrs.get("target"), Jid) and target.is_group:
        return (group_iq.get_picture if iq.text("type") == "get" else group_iq.set_picture)(network, device, iq)
    return (profile_iq.get_picture if iq.text("type") == "get" else profile_iq.set_picture)(network, device, iq)


def _media_hosts(network: "Network", device: Device, iq: Node) -> list[Node]:
    attrs: dict[str, Value] = {"auth": "sandbox", "ttl": "3600", "auth_ttl": "3600", "max_buckets": "12"}
    return [Node("media_conn", attrs, [Node("host", {"hostname": media.HOST})])]


def _props(network: "Network", device: Device, iq: Node) -> list[Node]:
    return [Node("props", {"protocol": "2", "hash": "sandbox"})]


_HANDLERS: dict[tuple[str, str, str], Handler] = {
    ("w:p", "get", ""): _nothing,
    ("w:p", "get", "ping"): _nothing,
    ("w", "get", "props"): _props,
    ("passive", "set", "active"): _active,
    ("passive", "set", "passive"): _passive,
    ("encrypt", "get", "count"): _count_prekeys,
    ("encrypt", "set", "registration"): _upload_prekeys,
    ("encrypt", "get", "key"): _get_bundles,
    ("usync", "get", "usync"): usync.answer,
    ("w:m", "set", "media_conn"): _media_hosts,
    ("w:mex", "get", "query"): mex.answer,
    ("w:sync:app:state", "set", "sync"): app_state.answer,
    ("status", "get", "privacy"): profile_iq.get_status_privacy,
    ("privacy", "get", "privacy"): profile_iq.get_privacy,
    ("privacy", "set", "tokens"): _pass_on_tokens,
    ("disappearing_mode", "set", "disappearing_mode"): profile_iq.set_timer,
    ("blocklist", "get", ""): profile_iq.get_blocked,
    ("blocklist", "set", "item"): profile_iq.set_blocked,
    ("w:profile:picture", "get", "picture"): _picture,
    ("w:profile:picture", "set", "picture"): _picture,
    ("w:profile:picture", "set", ""): _picture,
    ("md", "set", "remove-companion-device"): _unlink,
    **group_iq.HANDLERS,
}
