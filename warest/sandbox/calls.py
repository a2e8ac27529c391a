"""Calls: phones make them, and sessions hear that it rings and may reject. Nobody speaks."""

import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from warest.errors import Conflict, NotFound
from warest.sandbox.accounts import Account, Device
from warest.sandbox.delivery import Delivery
from warest.sandbox.groups import Chat, Group
from warest.sandbox.nodes import MalformedNode, Node, Value
from warest.sandbox.profiles import Profiles


@dataclass(slots=True)
class Call:
    """`state` is ringing, rejected or ended."""

    id: str
    by: str
    to: str
    video: bool
    state: str = "ringing"


class Calls:
    """They are forgotten when the sandbox ends."""

    def __init__(self, delivery: Delivery, profiles: Profiles) -> None:
        self._delivery = delivery
        self._profiles = profiles
        self._calls: dict[str, Call] = {}

    def show(self, caller: Account) -> list[dict[str, Any]]:
        """Those that it has made."""
        return [asdict(call) for call in self._calls.values() if call.by == caller.phone]

    def ring(self, caller: Account, to: Chat, video: bool) -> Call:
        call = Call(secrets.token_hex(16).upper(), caller.phone, to.key, video)
        self._calls[call.id] = call
        media = [Node("audio", {"enc": "opus", "rate": "16000"}), *([Node("video", {"enc": "vp8"})] if video else [])]
        media += [Node("net", {"medium": "3"}), Node("capability", {"ver": "1"}, secrets.token_bytes(6))]
        media += [Node("destination", {}, [Node("to", {"jid": caller.lid}, [Node("enc", {"v": "2"}, bytes(32))])])]
        more: dict[str, Value] = {"caller_pn": caller.pn}
        if isinstance(to, Group):
            more |= {"group-jid": to.jid, "type": "group", "media": "video" if video else "audio"}
        self._tell(caller, to, call, Node("offer_notice" if isinstance(to, Group) else "offer", more, media))
        return call

    def end(self, caller: Account, to: Chat, call_id: str, reason: str) -> Call:
        """`reason`: timeout, or nothing when the caller hangs up."""
        call = self._calls.get(call_id)
        if call is None or call.by != caller.phone:
            raise NotFound(f"{caller.phone} has made no call {call_id}.")
        if call.state == "ended":
            raise Conflict(f"The call {call_id} is over.")
        call.state = "ended"
        self._tell(caller, to, call, Node("terminate", {"reason": reason} if reason else {}))
        return call

    def on_stanza(self, device: Device, stanza: Node, caller: Account | None) -> None:
        """A session rejects a call; `caller` is whom it names."""
        reject = stanza.child("reject")
        call = self._calls.get(reject.text("call-id"))
        if call is None or caller is None or call.by != caller.phone:
            raise MalformedNode("the rejection of a call that does not exist")
        call.state = "rejected"

    def _tell(self, caller: Account, to: Chat, call: Call, what: Node) -> None:
        what.attrs |= {"call-id": call.id, "call-creator": caller.lid}
        for other in (to,) if isinstance(to, Account) else to.members:
            if other is caller or self._profiles.blocks(other, caller):
                continue
            attrs: dict[str, Value] = {"from": caller.lid, "id": secrets.token_hex(8), "t": str(int(time.time()))}
            told = Node("call", attrs | {"platform": "android", "version": "2.26.1"}, [what])
            self._delivery.post_all(other, told)
