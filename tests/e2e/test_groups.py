"""Groups from end to end: each route against the network, what the network then is like, and what webhooks say.

Answers are held against the contract, endpoints.md section 9: names, order and JSON types.
"""

import base64
import io
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.product import Product, running
from support.receiver import Receiver
from support.shapes import NULL, faults
from support.waiting import eventually

ANI, BUDI, CICI, DEWI, EMIL = (f"62813000800{number}" for number in range(1, 6))
NOBODY = "628130008999"
ANI_JID, BUDI_JID = f"{ANI}@s.whatsapp.net", f"{BUDI}@s.whatsapp.net"

SESSION: dict[str, Any] = {"sessionId": "ani", "phone": ANI}

#: What is known of a group, in the words of the original's library.
METADATA: dict[str, Any] = {
    "id": str, "addressingMode": "lid", "subject": str, "subjectOwner": str, "subjectTime": int, "creation": int,
    "owner": ANI_JID, "restrict": bool, "announce": bool, "isCommunity": False, "isCommunityAnnounce": False,
    "joinApprovalMode": NULL, "memberAddMode": NULL, "participantsCount": int,
}  # fmt: skip

DESCRIBED = {"desc": "about us", "descId": str, "descOwner": str, "descTime": int}


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def product(hook: Receiver) -> Iterator[Product]:
    """One for all; each test has groups of its own."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        for phone, name in ((BUDI, "Budi"), (CICI, "Cici"), (DEWI, "Dewi"), (EMIL, "Emil")):
            product.sandbox("POST", "/phones", json={"phone": phone, "name": name})
        product.link("ani", ANI, hook.url)
        yield product


def call(product: Product, method: str, path: str, result: dict[str, Any] | None, http: int = 200, **given: Any) -> Any:
    """The only result of a call, which is so shaped; without a `result` the whole answer, of a refusal."""
    where = {"params": given} if method == "GET" else {"json": given}
    if "sessionId" not in given:
        given["sessionId"] = "ani"
    answer = product.http.request(
        method,
        f"http://127.0.0.1:{product.port}/api/v1{path}",
        headers={"X-WAREST-API-KEY": product.key},
        **where,  # type: ignore[arg-type]
    )
    told = answer.json()
    assert answer.status_code == http, told
    if result is None:
        return told
    code = {200: 1000, 207: 1004}[http]
    assert faults({"status": True, "code": code, "message": str, "results": [result]}, told) == []
    return told["results"][0]


def create(product: Product, name: str, *members: str) -> str:
    shape = {**SESSION, "groupId": str}
    group: str = call(product, "POST", "/group/create", shape, groupName=name, participants=[*members])["groupId"]
    return group


def on_network(product: Product, group: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in product.sandbox("GET", "/groups") if one["id"] == group)
    return found


def does(product: Product, phone: str, deed: str, group: str, **told: Any) -> None:
    product.sandbox("POST", f"/phones/{phone}/groups/{deed}", json={"group": group, **told})


def members(product: Product, group: str) -> dict[str, dict[str, Any]]:
    """Who is in it as the API has it, by number."""
    found = product.api("GET", "/group/participants", params={"sessionId": "ani", "groupId": group})["results"][0]
    return {one["pn"].partition("@")[0]: one for one in found["participants"]}


def told(hook: Receiver, event: str, group: str) -> list[dict[str, Any]]:
    """What webhooks have said of a group."""
    data = [one.json["data"] for one in hook.of(event)]
    return [one for one in data if group in (one.get("groupId"), one.get("update", {}).get("id"))]


def jpeg(side: int = 900) -> str:
    made = io.BytesIO()
    Image.new("RGB", (side, side // 2), "teal").save(made, "PNG")
    return "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()


def test_a_group_is_made_listed_and_left(product: Product, hook: Receiver) -> None:
    """By one session; whoever is not on WhatsApp is not in it."""
    group = create(product, "Friends", BUDI, f"{CICI}@s.whatsapp.net", NOBODY, "no number")
    seen = on_network(product, group)
    assert (seen["name"], seen["members"], seen["admins"]) == ("Friends", [ANI, BUDI, CICI], [ANI])
    info = call(product, "GET", "/group/info", {**SESSION, "data": METADATA}, groupId=group)["data"]
    assert (info["subject"], info["participantsCount"], info["subjectOwner"]) == ("Friends", 3, ANI_JID)
    bare = group.partition("@")[0]
    assert call(product, "GET", "/group/info", {**SESSION, "data": METADATA}, gid=bare, refresh=1)["data"] == info
    data = call(product, "GET", "/groups", {**SESSION, "data": [dict]})["data"]
    assert [one for one in data if one["id"] == group] == [info]

    participant = {
        "id": str, "jid": str, "lid": str, "isMe": bool, "isAdmin": bool, "isSuperAdmin": bool, "pn": str,
        "contactId": str,
    }  # fmt: skip
    shape = {**SESSION, "groupId": group, "participants": [participant]}
    people = call(product, "GET", "/group/participants", shape, groupId=group)["participants"]
    ranks = {one["id"]: (one["isMe"], one["isAdmin"], one["isSuperAdmin"]) for one in people}
    assert ranks[ANI_JID] == (True, True, True) and ranks[BUDI_JID] == (False, False, False) and len(ranks) == 3
    (joined,) = eventually(lambda: told(hook, "group_join", group), what="the webhook")
    assert (joined["groupId"], joined["participants"], joined["action"]) == (group, [ANI_JID], "add")

    shape = {**SESSION, "groupId": group}
    assert call(product, "POST", "/group/leave", shape, groupId=group)["status"] == "success leave"
    assert on_network(product, group)["members"] == [BUDI, CICI]
    assert call(product, "POST", "/group/leave", shape, 207, groupId=group)["status"] == "failed"
    assert group not in str(call(product, "GET", "/groups", None)["results"])
    refused = call(product, "GET", "/group/info", None, 500, groupId=group)
    assert (refused["code"], refused["results"]) == (8000, []) and "participating" in refused["message"]
    (gone,) = eventually(lambda: told(hook, "group_leave", group), what="the webhook")
    assert (gone["participants"], gone["action"]) == ([ANI_JID], "remove")


def test_people_come_and_go(product: Product, hook: Receiver) -> None:
    """Some of them: each is told of, and webhooks tell what was done."""
    group = create(product, "Work", BUDI)
    added = {**SESSION, "groupId": group, "addedParticipants": list, "failedToAdd": list}
    path = "/group/participants/add"
    done = call(product, "POST", path, added, groupId=group, participants=[CICI])
    assert (done["addedParticipants"], done["failedToAdd"], done["status"]) == ([CICI], [], "success")
    done = call(product, "POST", path, added, 207, groupId=group, participants=[int(DEWI), NOBODY, BUDI])
    assert (done["addedParticipants"], done["failedToAdd"], done["status"]) == ([DEWI], [NOBODY, BUDI], "partial")
    product.sandbox("POST", f"/phones/{EMIL}/group-privacy", json={"addable": False})
    done = call(product, "POST", path, added, 207, groupId=group, participants=[EMIL])
    assert (done["failedToAdd"], done["status"]) == ([EMIL], "failed")
    assert [*members(product, group)] and on_network(product, group)["members"] == [ANI, BUDI, CICI, DEWI]

    lid = members(product, group)[CICI]["lid"]
    ranked = {**SESSION, "groupId": group, "participants": [{"phone": str, "status": str}]}
    done = call(product, "POST", "/group/participants/promote", ranked, groupId=group, participants=[BUDI, lid])
    assert done["participants"] == [{"phone": BUDI, "status": "promoted"}, {"phone": CICI, "status": "promoted"}]
    assert on_network(product, group)["admins"] == [ANI, BUDI, CICI]
    assert members(product, group)[CICI]["isAdmin"] and not members(product, group)[CICI]["isSuperAdmin"]
    done = call(product, "POST", "/group/participants/demote", ranked, 207, groupId=group, participants=[CICI, NOBODY])
    assert done["participants"] == [{"phone": CICI, "status": "demoted"}, {"phone": NOBODY, "status": "failed"}]

    removed = {**SESSION, "groupId": group, "removedParticipants": list, "failedToRemove": list}
    path = "/group/participants/remove"
    done = call(product, "DELETE", path, removed, groupId=group, participants=[DEWI, NOBODY])
    assert (done["removedParticipants"], done["failedToRemove"], done["status"]) == ([DEWI], [], "success")
    assert on_network(product, group)["members"] == [ANI, BUDI, CICI]

    does(product, BUDI, "demote", group, members=[BUDI])
    does(product, ANI, "add", group, members=[DEWI])
    eventually(lambda: DEWI in members(product, group), what="what a phone does to be known")
    assert not members(product, group)[BUDI]["isAdmin"]
    actions = ["add", "add", "add", "promote", "demote", "remove", "demote", "add"]
    eventually(
        lambda: [one["action"] for one in told(hook, "group_participants", group)] == actions, what="the webhooks"
    )
    last = told(hook, "group_participants", group)[-1]
    assert list(last) == [
        "id", "groupId", "participants", "action", "author", "contacts", "eventId", "sessionId",
    ]  # fmt: skip
    assert (last["participants"], last["author"]) == ([f"{DEWI}@s.whatsapp.net"], ANI_JID)
    assert last["contacts"][0]["contactId"] == last["contacts"][0]["lid"]
    eventually(lambda: len(told(hook, "group_join", group)) == 4, what="the last webhook")
    assert len(told(hook, "group_leave", group)) == 1


def test_what_is_set_in_a_group(product: Product, hook: Receiver) -> None:
    """By the session, and by a phone; what is set at once is known at once."""
    group = create(product, "Names", BUDI)
    shape = {**SESSION, "groupId": group, "groupName": "Nämes 🎉"}
    assert call(product, "POST", "/group/name", shape, groupId=group, subject="Nämes 🎉")["status"] == (
        "success update group name"
    )
    shape = {**SESSION, "groupId": group, "groupDescription": "about us"}
    done = call(product, "POST", "/group/description", shape, groupId=group, groupDescription="about us")
    assert done["status"] == "success update group description"
    shape = {**SESSION, "groupId": group}
    yes, no = "success locked group", "success unlocked group"
    for locked, status in ((True, yes), (False, no), ("yes", yes)):
        assert call(product, "POST", "/group/locked", shape, groupId=group, locked=locked)["status"] == status
    for announcement in (False, True):
        done = call(product, "POST", "/group/announcement", shape, groupId=group, announcement=announcement)
        assert done["status"] == "success set announcement mode"
    seen = on_network(product, group)
    assert (seen["name"], seen["description"], seen["locked"], seen["announcement"]) == (
        "Nämes 🎉",
        "about us",
        True,
        True,
    )
    data = product.api("GET", "/group/info", params={"sessionId": "ani", "groupId": group})["results"][0]["data"]
    assert (data["subject"], data["desc"], data["restrict"], data["announce"]) == ("Nämes 🎉", "about us", True, True)
    names = list(METADATA)
    names[7:7] = list(DESCRIBED)
    assert list(data) == names

    does(product, ANI, "promote", group, members=[BUDI])
    does(product, BUDI, "rename", group, name="By phone")
    does(product, BUDI, "expire", group, seconds=86_400)
    does(product, BUDI, "settings", group, locked=False, approval=True)
    call(product, "POST", "/group/description", None, groupId=group, groupDescription="")

    def facts() -> tuple[Any, ...]:
        data = product.api("GET", "/group/info", params={"sessionId": "ani", "groupId": group})["results"][0]["data"]
        return data["subject"], data.get("desc"), data["restrict"], data.get("ephemeralDuration")

    eventually(lambda: facts() == ("By phone", None, False, 86_400), what="what a phone sets to be known")
    keys = ["subject", "desc", "restrict", "restrict", "restrict", "announce", "announce"]
    keys += ["subject", "ephemeralDuration", "restrict", "desc"]
    eventually(
        lambda: [list(one["update"])[1] for one in told(hook, "group_update", group)] == keys, what="the webhooks"
    )
    named = told(hook, "group_update", group)[7]
    assert list(named) == ["id", "update", "eventId", "sessionId"]
    assert named["update"] == {"id": group, "subject": "By phone", "author": BUDI_JID}


def test_links(product: Product, hook: Receiver) -> None:
    """Of our own groups, and those of others: looked at, followed, and waited at."""
    group = create(product, "Linked")
    shape = {**SESSION, "groupId": group, "inviteLink": str}
    link = call(product, "GET", "/group/invite", shape, groupId=group)["inviteLink"]
    assert link == f"https://chat.whatsapp.com/{on_network(product, group)['invite']}"
    revoked = call(product, "POST", "/group/invite/revoke", shape, groupId=group)
    assert revoked["status"] == "success revoke invite link" and revoked["inviteLink"] != link
    assert revoked["inviteLink"].endswith(on_network(product, group)["invite"])
    eventually(
        lambda: [one["update"].get("inviteCode") for one in told(hook, "group_update", group)]
        == [revoked["inviteLink"].rpartition("/")[2]],
        what="the webhook",
    )  # fmt: skip

    other = product.sandbox("POST", "/groups", json={"name": "Budi's", "by": BUDI, "members": [CICI]})
    theirs = f"https://chat.whatsapp.com/{other['invite']}"
    preview = {
        **SESSION, "groupId": other["id"], "groupName": "Budi's", "groupDescription": "", "participantsCount": 2,
        "isGroupLocked": False, "isAnnouncement": False, "isEphemeral": False, "inviteLink": theirs,
    }  # fmt: skip
    call(product, "GET", "/group/join-via-link", preview, inviteLink=theirs)
    dead = dict.fromkeys(list(preview)[2:9], NULL) | {"inviteLink": link}
    call(product, "GET", "/group/join-via-link", {**SESSION, **dead}, link=link)
    shape = {**SESSION, "status": str, "groupId": str}
    with pytest.raises(AssertionError):
        call(product, "POST", "/group/join-via-link", shape, inviteLink=link)
    refused = call(product, "POST", "/group/join-via-link", None, 502, inviteLink=link)
    assert (refused["code"], refused["results"]) == (2800, [])
    assert product.api("GET", "/group/invite", params={"sessionId": "ani", "groupId": other["id"]})["results"][0] == {
        **SESSION, "groupId": other["id"], "inviteLink": None,
    }  # fmt: skip

    does(product, BUDI, "settings", other["id"], approval=True)
    joined = product.api("POST", "/group/join-via-link", json={"sessionId": "ani", "code": other["invite"]})
    assert joined["code"] == 1000 and joined["results"][0]["status"] == "pending approval to join"
    assert on_network(product, other["id"])["requests"] == [ANI]
    does(product, BUDI, "approve", other["id"], members=[ANI])
    eventually(lambda: other["id"] in str(product.api("GET", "/groups", params={"sessionId": "ani"})), what="the group")

    third = product.sandbox("POST", "/groups", json={"name": "Cici's", "by": CICI, "members": []})
    joined = product.api("POST", "/group/join-via-link", json={"sessionId": "ani", "inviteLink": third["invite"]})
    assert list(joined["results"][0]) == ["sessionId", "phone", "status", "groupId"]
    assert joined["results"][0]["status"] == "success joined group"
    assert on_network(product, third["id"])["members"] == [CICI, ANI]


def test_requests_to_join(product: Product) -> None:
    """Are listed and approved; nobody else is let in so, and nobody can be turned away."""
    group = create(product, "Closed")
    does(product, ANI, "settings", group, approval=True)
    for phone in (BUDI, CICI):
        product.sandbox("POST", f"/phones/{phone}/groups/join", json={"code": on_network(product, group)["invite"]})
    entry = {"jid": str, "lid": str, "phone": str, "requestMethod": NULL, "requestTime": int}
    path = "/group/participants/requests"
    waiting = call(product, "GET", path, {**SESSION, "groupId": group, "joinRequests": [entry]}, groupId=group)
    assert [one["phone"] for one in waiting["joinRequests"]] == [BUDI, CICI]
    assert waiting["joinRequests"][0]["jid"] == BUDI_JID and waiting["joinRequests"][0]["requestTime"] > 1_700_000_000

    path = "/group/participants/request/approve"
    done = product.api("POST", path, json={"sessionId": "ani", "groupId": group, "participants": [BUDI, DEWI]})
    assert done["code"] == 1004 and done["results"] == [
        {
            **SESSION, "groupId": group, "approvedParticipants": [BUDI], "failedToApprove": [DEWI], "status": "partial",
            "via": "add",
        }
    ]  # fmt: skip
    seen = on_network(product, group)
    assert (seen["members"], seen["requests"]) == ([ANI, BUDI], [CICI])
    path = "/group/participants/request/reject"
    refused = call(product, "POST", path, None, 501, groupId=group, participants=[CICI])
    assert (refused["code"], refused["results"]) == (8005, []) and on_network(product, group)["requests"] == [CICI]


def test_pictures(product: Product, hook: Receiver) -> None:
    """Whatever comes, WhatsApp gets a JPEG; it can be taken away again."""
    group = create(product, "Pictured")
    shape = {**SESSION, "groupId": group, "pictureUrl": NULL}
    call(product, "GET", "/group/picture", shape, groupId=group)
    done = call(product, "POST", "/group/picture", shape | {"pictureUrl": str}, groupId=group, photo=jpeg())
    assert done["status"] == "success update group picture" and on_network(product, group)["picture"] > 1000
    found = call(product, "GET", "/group/picture", shape | {"pictureUrl": str}, groupId=group)
    assert found["pictureUrl"] == done["pictureUrl"]
    refused = call(product, "POST", "/group/picture", None, 400, groupId=group, picture="/etc/hostname")
    assert (refused["code"], refused["message"]) == (2002, "picture is invalid or unreadable")
    done = call(product, "DELETE", "/group/picture", {**SESSION, "groupId": group, "status": str}, groupId=group)
    assert done["status"] == "success delete group picture" and on_network(product, group)["picture"] == 0
    eventually(lambda: len(told(hook, "group_update", group)) > 1, what="the webhooks")
    changed = told(hook, "group_update", group)
    assert [one["update"]["imgUrl"] for one in changed] == ["changed", "removed"]
    assert changed[0]["update"] == {"id": group, "imgUrl": "changed", "author": ANI_JID}


def test_what_only_admins_may(product: Product) -> None:
    """In somebody else's group; some of it is said person by person."""
    theirs = product.sandbox("POST", "/groups", json={"name": "Theirs", "by": BUDI, "members": [ANI, CICI]})["id"]
    ranked = product.api(
        "POST", "/group/participants/promote", json={"sessionId": "ani", "groupId": theirs, "participants": [CICI]}
    )
    assert ranked["code"] == 1004
    assert ranked["results"][0]["participants"] == [{"phone": CICI, "status": "not permitted"}]
    added = product.api(
        "POST", "/group/participants/add", json={"sessionId": "ani", "groupId": theirs, "participants": [DEWI]}
    )
    assert (added["code"], added["results"][0]["failedToAdd"]) == (1004, [DEWI])
    refused = call(product, "POST", "/group/locked", None, 500, groupId=theirs, locked=True)
    assert refused["code"] == 8000 and "403" in refused["message"]
    does(product, BUDI, "settings", theirs, locked=True)
    for path, more in (("name", {"name": "x"}), ("description", {"desc": "x"}), ("picture", {"image": jpeg(9)})):
        refused = call(product, "POST", f"/group/{path}", None, 502, groupId=theirs, **more)
        assert refused["code"] == 2800
    kept = on_network(product, theirs)
    assert (kept["name"], kept["description"], kept["picture"]) == ("Theirs", "", 0)

    refused = call(product, "DELETE", "/group/delete", None, 403, groupId=theirs)
    assert (refused["code"], refused["message"]) == (2201, "Bot is not an admin in this group")
    assert refused["results"] == [{**SESSION, "groupId": theirs, "status": "not permitted", "normMembers": [CICI]}]


def test_a_group_is_dissolved(product: Product) -> None:
    """Everybody is removed, the link is void, and we have left."""
    group = create(product, "Short", BUDI, CICI)
    before = on_network(product, group)["invite"]
    shape = {**SESSION, "groupId": group, "removedParticipants": [str], "failedToRemove": list}
    done = call(product, "DELETE", "/group/delete", shape, groupId=group)
    assert (sorted(done["removedParticipants"]), done["failedToRemove"]) == ([BUDI, CICI], [])
    seen = on_network(product, group)
    assert seen["members"] == [] and seen["invite"] != before
    assert group not in str(product.api("GET", "/groups", params={"sessionId": "ani"}))


def test_a_listing_does_not_ask_each_time(product: Product) -> None:
    """What was done meanwhile is in it all the same: by phones, to groups that are known and new."""
    product.api("GET", "/groups", params={"sessionId": "ani"})
    new = product.sandbox("POST", "/groups", json={"name": "Surprise", "by": BUDI, "members": [ANI]})["id"]

    def listed() -> dict[str, Any]:
        data = product.api("GET", "/groups", params={"phone": ANI})["results"][0]["data"]
        return {one["id"]: (one["subject"], one["participantsCount"]) for one in data}

    eventually(lambda: listed().get(new) == ("Surprise", 2), what="the new group")
    does(product, BUDI, "add", new, members=[CICI])
    does(product, BUDI, "rename", new, name="Known")
    eventually(lambda: listed().get(new) == ("Known", 3), what="what became of it")
    does(product, BUDI, "remove", new, members=[ANI])
    eventually(lambda: new not in listed(), what="the group to be gone")


def test_what_was_done_while_the_session_was_away(product: Product, hook: Receiver) -> None:
    """WhatsApp tells of it when the session's process is back, and it is reported once."""
    group = create(product, "Meanwhile", BUDI)
    assert [*members(product, group)]
    os.kill(product.session_pid("ani"), signal.SIGKILL)
    does(product, ANI, "rename", group, name="Renamed")
    does(product, ANI, "add", group, members=[CICI])
    product.wait_open("ani")
    eventually(lambda: CICI in members(product, group), what="what was done to be known")
    data = product.api("GET", "/group/info", params={"sessionId": "ani", "groupId": group})["results"][0]["data"]
    assert (data["subject"], data["participantsCount"]) == ("Renamed", 3)
    eventually(lambda: len(told(hook, "group_join", group)) == 2, what="the webhooks")
    assert [one["participants"] for one in told(hook, "group_join", group)][1:] == [[f"{CICI}@s.whatsapp.net"]]
    assert [one["update"]["subject"] for one in told(hook, "group_update", group)] == ["Renamed"]
