"""Makes everything happen that a session can report, with the content that JSON, signatures and receivers stumble over.

On a product that runs with SETTINGS: the pieces of one story, in which Ani has a session and the others have phones.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.product import Product
from support.receiver import Receiver
from support.waiting import eventually
from warest import events, ids, keys
from warest.config import house
from warest.config.settings import Settings

ANI, BUDI, CICI = "628150000001", "628150000002", "628150000003"

#: Whose the session is: the name is a part of the key, and comes in a header.
OWNER = "Jürgen"

#: Own messages are reported, some texts are commands, and a file may come late.
SETTINGS = {
    "WAREST_SEND_EVENTS": "true",
    "WAREST_COMMANDS": "/stock",
    "WAREST_AUTHADMIN_USERNAME": OWNER,
    "WAREST_DOWNLOAD_MEDIA_PATIENCE_MS": "200",
}

TEXTS = (
    "👩‍👩‍👧‍👦 🏳️‍🌈 𝒳𐍈 é e\u0301",
    "line\u2028paragraph\u2029bom\ufeffdel\x7f",
    "\x01\x1f\b\f\n\r\t",
    "</script> / \\ \" ' & %00 {{text}} \\u2028",
    "\u202eright to left עברית\u200b",
    "1e5",
    "__proto__",
    "🤯" * 4000,
)

#: Latitude and longitude: as they mostly are; whole; so small that only JavaScript writes them so.
PLACES = ((-6.175392, 106.827153), (5.0, -0.0), (1e-7, 0.00001))

#: What no phone can send, and whoever fills an event may hand over all the same.
AWKWARD: tuple[dict[str, Any], ...] = (
    {"text": "half \ud83d", "\udc00": "a pair \ud83d\ude00"},
    {"b": 1, "10": 2, "2": {"1": 3, "01": 4, "0": 5}, "": 6, "__proto__": {"constructor": 7}, "4294967295": 8},
    {"large": [2**53 - 1, -(2**53) + 1, 2**31], "empty": [{}, [], "", None, False, 0, 0.0, -0.0]},
)

#: The same, in numbers that other languages write otherwise than JavaScript.
NUMBERS = {"numbers": [1e21, 1.5e300, 5e-324, 123456789012345680000.0, 2**53 + 1, 2**64 - 1, 2**80]}


class Story:
    """Each part of it can be told by itself once Ani's session is there."""

    def __init__(self, product: Product) -> None:
        self._product = product

    def everything(self) -> None:
        """The session is there afterwards."""
        for phone, name in ((BUDI, 'Budi "🤖" \u2028 </b>'), (CICI, "C")):
            self._product.sandbox("POST", "/phones", json={"phone": phone, "name": name})
        self._product.link("ani", ANI)
        self.words()
        self.other_messages()
        self.files()
        self.changes()
        self.own_messages()
        self.groups()
        self.people()
        self.published()
        self.an_endpoint_that_is_gone()

    def _does(self, phone: str, deed: str, **told: Any) -> Any:
        return self._product.sandbox("POST", f"/phones/{phone}/{deed}", json={"to": ANI, **told})

    def _api(self, path: str, **told: Any) -> Any:
        answer = self._product.api("POST", path, json={"sessionId": "ani", **told})
        assert answer["status"], answer
        return answer

    def words(self) -> None:
        first, *_ = [self._does(BUDI, "messages", text=text)["id"] for text in TEXTS]
        self._does(BUDI, "messages", message={"conversation": ""})
        self._does(BUDI, "messages", text=f"as I said: {TEXTS[0]}", reply={"id": first})
        self._does(BUDI, "messages", text='/stock "🍞"')
        self._does(BUDI, "messages", text="order")

    def other_messages(self) -> None:
        for latitude, longitude in PLACES:
            self._does(BUDI, "messages", location={"latitude": latitude, "longitude": longitude, "name": TEXTS[3]})
        live = {"degreesLatitude": 1.0, "degreesLongitude": 0.1, "speedInMps": 0.1, "sequenceNumber": 2**53 + 1}
        self._does(BUDI, "messages", message={"liveLocationMessage": live})
        self._does(BUDI, "messages", contact={"name": TEXTS[3], "phone": CICI})
        poll = self._does(BUDI, "polls", name=TEXTS[0], options=["1", "0", "/"])["id"]
        self._does(BUDI, "votes", id=poll, options=["0"])

    def files(self) -> None:
        """One comes so late that its message is told of first."""
        name = {"name": 'a/b "ç" 🤖.pdf', "mimetype": "application/pdf", "caption": TEXTS[1]}
        self._does(BUDI, "media", kind="document", data=base64.b64encode(b"%PDF").decode(), **name)
        fault = {"kind": "media_slow", "message": "3EB0LATE", "bytes_per_second": 50_000, "times": 1}
        self._product.sandbox("POST", "/faults", json=fault)
        late = base64.b64encode(b"a" * 40_000).decode()
        self._does(BUDI, "media", kind="image", data=late, id="3EB0LATE", mimetype="image/png", caption="late")

    def changes(self) -> None:
        """To a message of Budi's."""
        about = self._does(BUDI, "messages", text="first")["id"]
        for emoji in ("👍🏽", ""):
            self._does(BUDI, "reactions", id=about, emoji=emoji)
        self._does(BUDI, "edits", id=about, text=TEXTS[3])
        self._does(BUDI, "pins", id=about, pin=True)
        self._does(BUDI, "revokes", id=about)

    def own_messages(self) -> None:
        for text in (TEXTS[0], TEXTS[3]):
            self._api("/messages/send/text", to=BUDI, message=text)

    def groups(self) -> None:
        group = self._product.sandbox("POST", "/groups", json={"name": "Us", "by": BUDI, "members": [ANI]})["id"]
        for deed in ("add", "promote", "demote", "remove"):
            self._does(BUDI, f"groups/{deed}", group=group, members=[CICI])
        self._does(BUDI, "groups/rename", group=group, name='"Us" / 👯 \u2028')
        self._does(BUDI, "groups/describe", group=group, text=TEXTS[2])
        self._does(BUDI, "messages", to=group, text=TEXTS[1])

    def people(self) -> None:
        """Who is there, and who calls."""
        self._api(f"/chats/{BUDI}/presence/subscribe")
        for change in ({"available": True}, {"available": False, "lastSeen": 1767225600}):
            self._product.sandbox("POST", f"/phones/{BUDI}/presence", json=change)
        call = self._does(BUDI, "calls", video=True)["id"]
        self._does(BUDI, "calls", id=call, reason="timeout")

    def published(self) -> None:
        """As a session's process does it."""
        with _house(self._product) as parts:
            for data in (*AWKWARD, NUMBERS):
                event = events.make_now(
                    self._identity(), events.SESSION_STATUS, {"tags": "open", **data}, event_id=ids.new_event_id()
                )
                assert parts.bus.publish(self._identity(), event)

    def _identity(self) -> events.SessionIdentity:
        return events.SessionIdentity(self._product.ulid("ani"), "ani", "ani", OWNER, OWNER)

    def an_endpoint_that_is_gone(self) -> None:
        with Receiver() as gone:
            gone.status = 410
            wanted = {"url": gone.url, "sessionId": "ani", "events": ["message_received"]}
            (made,) = self._product.api("POST", "/webhooks", json=wanted)["results"]
            self._does(BUDI, "messages", text="is anybody there?")
            path = f"/webhooks/{made['id']}"
            eventually(lambda: self._product.api("GET", path)["results"][0]["state"] == "disabled")


@contextmanager
def _house(product: Product) -> Iterator[house.House]:
    parts = house.connect(Settings(redis_url=f"unix://{product.data}/redis.sock", data_dir=product.data))
    try:
        yield parts
    finally:
        parts.broker.close()
        parts.redis.close()


def reported(product: Product) -> dict[str, str]:
    """All that has been reported so far: the names, by the events' ids."""
    with product.redis() as client:
        entries: Any = client.xrange(keys.EVENTS)
    return {fields[b"id"].decode(): fields[b"event"].decode() for _, fields in entries}
