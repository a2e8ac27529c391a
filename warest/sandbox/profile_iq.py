"""What sessions ask and want of profiles: pictures, who may see what, who is blocked, and how
long messages stay."""

from typing import TYPE_CHECKING

from warest.contact_commands import TIMERS
from warest.errors import InvalidInput
from warest.ids import Jid
from warest.sandbox import profiles
from warest.sandbox.accounts import Account, Device
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: Where pictures would be; nothing is served there.
_HOST = "https://pps.whatsapp.net"


def get_status_privacy(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Who sees the status: whoever is in the address book."""
    return [Node("privacy", {}, [Node("list", {"type": "contacts", "default": "true"})])]


def get_picture(network: "Network", device: Device, iq: Node) -> list[Node]:
    """Where the picture of an account is. It is not said of one that hides it."""
    account = network.accounts.find(iq.jid("target"))
    facts = network.profiles.facts(account) if account else None
    if account is None or facts is None or not facts.picture_id:
        raise Refusal(404, "item-not-found")
    if facts.privacy["profile"] == "none" and account is not device.account:
        raise Refusal(401, "not-authorized")
    kind = str(iq.child("picture").attrs.get("type", "image"))
    path = f"/v/t61.24694-24/{facts.picture_id}_{kind}.jpg"
    attrs: dict[str, Value] = {"id": facts.picture_id, "type": kind, "url": _HOST + path, "direct_path": path}
    return [Node("picture", attrs)]


def set_picture(network: "Network", device: Device, iq: Node) -> list[Node]:
    """One's own. Without a <picture> there is none from now on."""
    if "target" in iq.attrs and _own(network, iq.jid("target")) is not device.account:
        raise Refusal(403, "forbidden")
    data = iq.child("picture").data if iq.children else b""
    if iq.children and not data:
        raise MalformedNode("<picture> holds no picture")
    try:
        number = network.profiles.set_picture(device.account, data)
    except InvalidInput:
        raise Refusal(406, "not-acceptable") from None
    profiles.tell_of_picture(network, device.account)
    return [Node("picture", {"id": number})] if data else []


def get_privacy(network: "Network", device: Device, iq: Node) -> list[Node]:
    """whatsmeow asks before its first read receipt, too."""
    words = network.profiles.facts(device.account).privacy
    return [Node("privacy", {}, [Node("category", {"name": name, "value": words[name]}) for name in words])]


def get_blocked(network: "Network", device: Device, iq: Node) -> list[Node]:
    """By LID, as WhatsApp keeps them."""
    phones = network.profiles.facts(device.account).blocked
    items = [Node("item", {"jid": network.accounts.phone(phone).lid}) for phone in phones]
    return [Node("list", {"dhash": "sandbox"}, items)]


def set_blocked(network: "Network", device: Device, iq: Node) -> list[Node]:
    """WhatsApp wants the LID, and of somebody who is to be blocked the number beside it."""
    item = iq.child("item")
    account, action = network.accounts.find(item.jid("jid")), item.text("action")
    if action not in ("block", "unblock"):
        raise MalformedNode(f"the unknown action {action!r}")
    if account is None or not item.jid("jid").is_lid or (action == "block" and item.attrs.get("pn_jid") != account.pn):
        raise MalformedNode("a blocked account is named by its LID, with its number in pn_jid")
    network.profiles.block(device.account, account, action == "block")
    return get_blocked(network, device, iq)


def set_timer(network: "Network", device: Device, iq: Node) -> list[Node]:
    """How long messages stay in new chats."""
    seconds = iq.child("disappearing_mode").number("duration")
    if seconds not in TIMERS:
        raise Refusal(400, "bad-request")
    network.profiles.set_timer(device.account, seconds)
    return []


def _own(network: "Network", jid: Jid) -> Account | None:
    return network.accounts.find(jid)
