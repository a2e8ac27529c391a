"""What accounts show of themselves: their picture, who may see what, and the verified name of a business; whom they
have blocked."""

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from warest.errors import InvalidInput
from warest.ids import PN_SERVER, Jid
from warest.sandbox import app_state
from warest.sandbox.accounts import Account
from warest.sandbox.nodes import Node
from warest.sandbox.store import Store
from warest.whatsapp import protos

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: Who may: what WhatsApp calls it -> the words that it knows for it.
PRIVACY = {
    "readreceipts": ("all", "none"),
    "profile": ("all", "contacts", "contact_blacklist", "none"),
    "status": ("all", "contacts", "contact_blacklist", "none"),
    "online": ("all", "match_last_seen"),
    "last": ("all", "contacts", "contact_blacklist", "none"),
    "groupadd": ("all", "contacts", "contact_blacklist"),
    "calladd": ("all", "known"),
}

#: What WhatsApp takes for a picture begins so.
_JPEG = b"\xff\xd8\xff"


@dataclass(slots=True)
class Facts:
    """`business` is the name of one that WhatsApp has verified; empty: it is none. `blocked` are phone numbers.
    `timer`: how long messages stay in new chats, s; 0: for good."""

    picture_id: str = ""
    privacy: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PRIVACY, "all"))
    business: str = ""
    blocked: list[str] = field(default_factory=list)
    timer: int = 0


class Profiles:
    def __init__(self, store: Store) -> None:
        self._store = store

    def facts(self, account: Account) -> Facts:
        for (facts,) in self._store.read("select facts from profiles where phone = ?", account.phone):
            return Facts(**json.loads(facts))
        return Facts()

    def picture(self, account: Account) -> bytes:
        """Nothing if it has none."""
        for (data,) in self._store.read("select picture from profiles where phone = ?", account.phone):
            return bytes(data)
        return b""

    def set_picture(self, account: Account, data: bytes) -> str:
        """Its id. Nothing takes the picture away. Raises InvalidInput for what is no JPEG."""
        if data and not data.startswith(_JPEG):
            raise InvalidInput("A picture has to be a JPEG.")
        facts = self.facts(account)
        facts.picture_id = str(time.time_ns() // 1000) if data else ""
        self._keep(account, facts, data)
        return facts.picture_id

    def set_privacy(self, account: Account, name: str, value: str) -> None:
        """Raises InvalidInput."""
        if value not in PRIVACY.get(name, ()):
            raise InvalidInput(f"Nobody can set {name!r} to {value!r}.")
        facts = self.facts(account)
        facts.privacy[name] = value
        self._keep(account, facts, self.picture(account))

    def set_business(self, account: Account, name: str) -> None:
        facts = self.facts(account)
        facts.business = name
        self._keep(account, facts, self.picture(account))

    def block(self, account: Account, other: Account, blocked: bool) -> None:
        facts = self.facts(account)
        facts.blocked = [each for each in facts.blocked if each != other.phone] + [other.phone] * blocked
        self._keep(account, facts, self.picture(account))

    def blocks(self, account: Account, other: Account) -> bool:
        """Whether what the other one writes does not reach the account."""
        return other.phone in self.facts(account).blocked

    def set_timer(self, account: Account, seconds: int) -> None:
        facts = self.facts(account)
        facts.timer = seconds
        self._keep(account, facts, self.picture(account))

    def verified_name(self, account: Account) -> Node | None:
        """What WhatsApp says of a business to those who ask for an account."""
        if not (name := self.facts(account).business):
            return None
        details = protos.vname.VerifiedNameCertificate.Details(serial=1, issuer="smb:wa", verifiedName=name)
        certificate = protos.vname.VerifiedNameCertificate(details=details.SerializeToString(), signature=b"sandbox")
        named = Node("verified_name", {"v": "1", "verified_level": "high"}, certificate.SerializeToString())
        return Node("business", {}, [named])

    def _keep(self, account: Account, facts: Facts, picture: bytes) -> None:
        row = (account.phone, json.dumps(asdict(facts)), picture)
        self._store.write("insert or replace into profiles values (?, ?, ?)", *row)


def tell_of_picture(network: "Network", account: Account) -> None:
    """Its own devices, and those who have asked for it."""
    facts = network.profiles.facts(account)
    attrs: dict[str, Any] = {"jid": account.pn, "author": account.pn}
    change = Node("set", attrs | {"id": facts.picture_id}) if facts.picture_id else Node("delete", attrs)
    for other in {account, *(device.account for device in network.watchers(account))}:
        network.notify(other, "picture", account, [change])


def name_contact(network: "Network", account: Account, phone: str, name: str) -> None:
    """The phone's owner writes somebody into the address book, which the phone shares with its sessions."""
    jid = Jid(phone, PN_SERVER)
    setting = protos.sync_action.SyncActionValue(timestamp=int(time.time() * 1000))
    setting.contactAction.fullName = name
    setting.contactAction.firstName = name.split(" ")[0]
    app_state.write(network, account, "critical_unblock_low", ["contact", str(jid)], setting)
