"""Nobody reaches what is somebody else's, by any route, under any of its names (quirk S1).

Every route of the OpenAPI document is asked with the ids of a victim, by another tenant, by an admin who is not the
owner, and by the owner's own key for another session.
"""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import events, keys
from warest.bus import answered
from warest.config.house import House
from warest.ids import new_ulid
from warest.scopes import ALL, Scope
from warest.store import Account, ChatNews, ContactNews, Message, NewSend, Note, SessionRecord, Store

USER_KEY, VICTIM_KEY = "user-key-of-the-tests", "key-of-the-victim"

#: Stands in all that is the victim's.
MARK = "belongs-to-the-victim"

PHONE, CHAT, GROUP = "628111", "628222@s.whatsapp.net", "120363041234567890@g.us"

Call = Callable[..., testing.Result]
Online = Callable[[Account, str], SessionRecord]
Serve = Callable[..., None]


class Victim:
    """A tenant with one of everything; `ordered` are the commands that reached the session."""

    def __init__(self, opened: Store, parts: House, online: Online, serve: Serve) -> None:
        owner = opened.users.add("VICTIM", "victim", "x", first_key=VICTIM_KEY).account
        self.record = online(owner, "victims")
        self.other = online(owner, "another").ulid
        self.ordered: list[Any] = []
        serve(keys.command_queue(self.record.ulid), "execute", self._execute)
        session = self.record.ulid
        opened.chats.put(session, [ChatNews(jid=CHAT, name=MARK), ChatNews(jid=GROUP, name=MARK)])
        opened.contacts.put(session, [ContactNews(jid=CHAT, pn=CHAT, name=MARK)])
        opened.messages.put(session, [Message(chat=CHAT, id="M1", from_me=True, ts=1_700_000_000, body=MARK)])
        endpoint = opened.endpoints.create(owner, session, url=f"https://example.com/{MARK}", secret=MARK)
        told: dict[str, Any] = {"event_id": "evt_1", "event": "call", "created_at": time.time(), "state": "dead"}
        delivery = new_ulid()
        opened.deliveries.write(
            [Note(delivery=delivery, endpoint=endpoint.id, session=session, registry="VICTIM", **told)]
        )
        opened.sends.begin(owner, NewSend(id="the-send", session=session, kind="text", recipient=MARK))
        parts.bus.publish(
            self.record.identity,
            events.make(self.record.identity, "call", {"text": MARK}, event_id="evt_1", ts_ms=1_700_000_000_000),
        )
        opened.audit.append(owner, "x", target=MARK)
        key = opened.api_keys.make("VICTIM", "made", name=MARK)
        self.ids = {
            "sessionId": "victims", "endpointId": endpoint.id, "deliveryId": delivery, "eventId": "evt_1",
            "jobId": "the-send", "messageId": "M1", "chatId": CHAT, "keyId": key.id, "registry": "VICTIM",
            "callId": "C1", "target": "base64", "key": "x",
        }  # fmt: skip

    def _execute(self, **order: Any) -> Any:
        self.ordered.append(order)
        return answered(None)


@pytest.fixture
def victim(opened: Store, parts: House, online: Online, serve: Serve) -> Victim:
    return Victim(opened, parts, online, serve)


#: Who is asked for a path and a body, and by which names besides `sessionId`.
ASKERS = {
    "another tenant": (USER_KEY, {"sessionId": "victims"}),
    "another tenant, by number": (USER_KEY, {"phone": PHONE, "sessionPhone": PHONE, "registry": "VICTIM"}),
    "an admin": ("admin-key-of-the-tests", {"sessionId": "victims"}),
    "a key for another session": ("for another", {"sessionId": "victims"}),
}

#: These say of a user or a key that they are there, to admins, whose business that is.
_OF_ADMINS = re.compile(r"/api/v1/(users|keys)")

#: What has no session, and would only be slow: the tools look at what the caller brings.
_LEFT_OUT = re.compile(r"/api/v1/misc/(?!whatsapp)|/api/v1/server/restart|/api/auth/|/api/v1/events/stream")


@pytest.mark.parametrize("asker", ASKERS)
def test_no_route_reaches_the_victim(
    call: Call, opened: Store, user: Account, victim: Victim, client: testing.TestClient, asker: str
) -> None:
    """No answer has anything of theirs, no command reaches their session, and all is there afterwards."""
    opened.api_keys.make("VICTIM", "for another", name="x", sessions=[victim.other], scopes=ALL - {Scope.ADMIN})
    key, names = ASKERS[asker]
    document = client.simulate_get("/docs/openapi.json", headers={"X-WAREST-API-KEY": "admin-key-of-the-tests"}).json
    asked = 0
    for path, methods in document["paths"].items():
        if _LEFT_OUT.match(path) or (key.startswith("admin") and _OF_ADMINS.match(path)):
            continue
        for method, described in methods.items():
            target = re.sub(r"\{(\w+)\}", lambda found: victim.ids[found[1]], path)
            body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example", {})
            answer = call(method.upper(), target, key=key, json={**body, **names}, params=names)
            assert answer.status_code != 500 and MARK not in answer.text, (method, path, answer.text[:500])
            asked += 1
    assert asked > 110 and victim.ordered == []
    record = opened.session("victims")
    assert record and record.ulid == victim.record.ulid and len(opened.endpoints.of(record.owner)) >= 3
    assert opened.account_by_key("made") and opened.users.get("VICTIM") and opened.sends.get(record.owner, "the-send")


def test_its_owner_reaches_all_of_it(call: Call, victim: Victim) -> None:
    """So what the others did not see was there to be seen."""
    for path, query in (
        ("/chats", {"sessionId": "victims"}), (f"/chats/{CHAT}/messages", {"sessionId": "victims"}),
        ("/messages/search", {"sessionId": "victims", "query": MARK}), ("/webhooks", {}), ("/events", {}),
        ("/events/evt_1", {}), (f"/webhooks/{victim.ids['endpointId']}", {}), ("/keys", {}), ("/audit", {}),
        ("/profile/list-contacts", {"sessionId": "victims"}),
    ):  # fmt: skip
        assert MARK in call("GET", path, key=VICTIM_KEY, params=query).text, path
    assert call("GET", "/messages/jobs/the-send", key=VICTIM_KEY).status_code in (200, 202)
    call("GET", "/profile/info", key=VICTIM_KEY, params={"sessionId": "victims"})
    assert len(victim.ordered) == 1
