"""Groups over HTTP: what is refused and in which order, how parameters become commands, and what is asked how often."""

import dataclasses
from collections.abc import Callable
from typing import Any, get_args

import pytest
from falcon import testing

from warest import commands
from warest import group_commands as groups
from warest.bus import answered, refused
from warest.errors import CommandTimeout, NotConnected, WarestError, WhatsAppRefused
from warest.store import Account, SessionRecord, Store

Call = Callable[..., testing.Result]

GROUP = "120363000000000001@g.us"

#: Every route -> what it needs besides the group.
NEEDS: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/group/info"): {},
    ("GET", "/group/picture"): {},
    ("POST", "/group/picture"): {"picture": "data:image/png;base64,AAAA"},
    ("DELETE", "/group/picture"): {},
    ("POST", "/group/name"): {"groupName": "x"},
    ("POST", "/group/description"): {"groupDescription": "x"},
    ("POST", "/group/locked"): {"locked": True},
    ("POST", "/group/announcement"): {"announcement": True},
    ("GET", "/group/invite"): {},
    ("POST", "/group/invite/revoke"): {},
    ("GET", "/group/participants"): {},
    ("POST", "/group/participants/add"): {"participants": ["628222"]},
    ("DELETE", "/group/participants/remove"): {"participants": ["628222"]},
    ("POST", "/group/participants/promote"): {"participants": ["628222"]},
    ("POST", "/group/participants/demote"): {"participants": ["628222"]},
    ("GET", "/group/participants/requests"): {},
    ("POST", "/group/participants/request/approve"): {"participants": ["628222"]},
    ("POST", "/group/participants/request/reject"): {"participants": ["628222"]},
    ("GET", "/group/subgroups"): {},
    ("POST", "/group/leave"): {},
    ("DELETE", "/group/delete"): {},
}

#: Those that are about no group that the request names.
OTHERS: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/groups"): {},
    ("POST", "/group/create"): {"groupName": "x"},
    ("GET", "/group/join-via-link"): {"inviteLink": "https://chat.whatsapp.com/abcdefghijkl"},
    ("POST", "/group/join-via-link"): {"inviteLink": "abcdefghijkl"},
}

ALL = {**{route: {"groupId": GROUP, **more} for route, more in NEEDS.items()}, **OTHERS}

FACTS = groups.GroupFacts(
    jid=GROUP, name="Friends", named_at=100, named_by="628111@s.whatsapp.net", description="", description_id="",
    described_at=0, described_by="", owner="9@lid", created=90, locked=False, announcement=False, ephemeral=0,
    is_community=False, is_community_announce=False, parent="1@g.us", by_lid=True, size=2,
    members=(groups.Member(pn="628111@s.whatsapp.net", lid="9@lid", role="admin"), groups.Member(pn="", lid="5@lid")),
)  # fmt: skip

Answer = Callable[[commands.Command], Any]


@pytest.fixture
def session(online: Callable[[Account, str], SessionRecord], admin: Account) -> SessionRecord:
    return online(admin, "s")


@pytest.fixture
def ordered(session: SessionRecord, session_answers: Any) -> tuple[list[Any], dict[str, Any]]:
    """The commands that came to the session's process, and what it answers them, by their names."""
    seen: list[Any] = []
    answers: dict[str, Any] = {}

    def execute(command_id: str, command: dict[str, Any]) -> Any:
        seen.append(order := commands.decode(command))
        found = answers.get(type(order).__name__)
        return refused(found) if isinstance(found, WarestError) else answered(found)

    session_answers(session, execute)
    return seen, answers


def ask(call: Call, method: str, path: str, /, **given: Any) -> testing.Result:
    return call(method, path, params=given) if method == "GET" else call(method, path, json=given)


def refusal(answer: testing.Result) -> tuple[int, int, str]:
    assert answer.json["status"] is False and answer.json["results"] == [], answer.json
    return answer.status_code, answer.json["code"], answer.json["message"]


def test_whose_session(call: Call, admin: Account, opened: Store, user: Account) -> None:
    """Unknown, foreign, not online, wrong and not named are told apart, by each of its names."""
    opened.create_session(admin, "down")
    opened.create_session(user, "theirs")
    names: tuple[tuple[dict[str, str], tuple[int, int, str]], ...] = (
        ({"sessionId": "bad id"}, (400, 2002, "sessionId is invalid")),
        ({"sessionid": "unknown"}, (404, 1101, "Session not found")),
        ({"session": "theirs"}, (403, 2201, "Forbidden")),
        ({"id": "down"}, (409, 1106, "Login required (scan QR or pairing)")),
        ({"msisdn": "628999"}, (404, 1101, "Session not found")),
        ({}, (404, 1101, "Session not found")),
    )
    for (method, path), given in ALL.items():
        for name, expected in names:
            assert refusal(ask(call, method, path, **given, **name)) == expected, path


def test_which_group(call: Call) -> None:
    """Comes before the session; of the name the word is all there is, as in the original."""
    for (method, path), needs in NEEDS.items():
        message = "groupId" if path == "/group/name" else "groupId is required"
        for given in ({}, *({"groupId": group} for group in ("", "@g.us", "1@s.whatsapp.net", "1@g.us\0", "a b"))):
            assert refusal(ask(call, method, path, **needs, **given)) == (400, 2001, message), path


def test_what_is_missing(call: Call) -> None:
    """Comes before the session, too."""
    for path, what in (
        ("POST /group/picture", "picture"),
        ("POST /group/name", "groupName"),
        ("POST /group/create", "groupName"),
        ("POST /group/participants/add", "participants"),
        ("DELETE /group/participants/remove", "participants"),
        ("POST /group/participants/promote", "participants"),
        ("POST /group/participants/demote", "participants"),
        ("POST /group/participants/request/approve", "participants"),
        ("POST /group/participants/request/reject", "participants"),
    ):
        values: list[Any] = [None, "", [], {}]
        for value in (*values, "  " if what != "participants" else "628111,628222"):
            answer = ask(call, *path.split(), groupId=GROUP, sessionId="unknown", **{what: value})
            assert refusal(answer) == (400, 2001, f"{what} is required"), path


def test_what_comes_after_the_session(call: Call, session: SessionRecord) -> None:
    for method in ("GET", "POST"):
        assert refusal(ask(call, method, "/group/join-via-link", sessionId="s"))[:2] == (400, 2001)
        assert refusal(ask(call, method, "/group/join-via-link", sessionId="s", link="https://chat.x/abc"))[:2] == (
            400,
            2002,
        )
    wrong: list[list[Any]] = [["nobody", "a@b", "x@lid", [], None, "1@g.us"], ["1"] * 1025]
    for people in wrong:
        answer = ask(call, "POST", "/group/participants/add", sessionId="s", groupId=GROUP, participants=people)
        assert refusal(answer)[:2] == (400, 2002)


def test_what_the_engine_cannot(call: Call, session: SessionRecord) -> None:
    path = "/group/participants/request/reject"
    answer = ask(call, "POST", path, sessionId="s", groupId=GROUP, participants=["628222"])
    assert refusal(answer)[:2] == (501, 8005)


PN = ("628222@s.whatsapp.net",)


COMMANDS: list[tuple[str, dict[str, Any], Any]] = [
    ("POST /group/create", {"name": "n"}, groups.CreateGroup(name="n")),
    (
        "POST /group/create",
        {"subject": "n", "participants": ["08111", 628222, "+62 8222", "7@c.us", "5@lid", "5:3@lid", "x", True]},
        groups.CreateGroup(
            name="n",
            participants=("08111@s.whatsapp.net", *PN, "7@s.whatsapp.net", "5@lid"),
        ),
    ),
    ("POST /group/name", {"subject": "n"}, groups.NameGroup(jid=GROUP, name="n")),
    ("POST /group/description", {"desc": "d"}, groups.DescribeGroup(jid=GROUP, text="d")),
    ("POST /group/description", {}, groups.DescribeGroup(jid=GROUP, text="")),
    ("POST /group/locked", {"locked": "on"}, groups.LockGroup(jid=GROUP, locked=True)),
    ("POST /group/locked", {}, groups.LockGroup(jid=GROUP, locked=False)),
    ("POST /group/announcement", {"announcement": 1}, groups.AnnounceGroup(jid=GROUP, announcement=True)),
    ("POST /group/invite/revoke", {}, groups.AskInvite(jid=GROUP, anew=True)),
    ("GET /group/invite", {}, groups.AskInvite(jid=GROUP)),
    ("POST /group/leave", {}, groups.LeaveGroup(jid=GROUP)),
    ("DELETE /group/delete", {}, groups.DissolveGroup(jid=GROUP)),
    ("GET /group/participants/requests", {}, groups.AskRequests(jid=GROUP)),
    (
        "DELETE /group/participants/remove",
        {"participants": ["628222", "628222"]},
        groups.ChangeMembers(jid=GROUP, change="remove", participants=PN),
    ),
    (
        "POST /group/join-via-link",
        {"code": " https://chat.whatsapp.com/AbCdEfGhIjK0?mode=x "},
        groups.JoinGroup(code="AbCdEfGhIjK0"),
    ),
]


def test_commands(call: Call, ordered: Any) -> None:
    """By each name of its parameters, and of the group."""
    seen, answers = ordered
    told = dataclasses.asdict(FACTS)
    answers |= {"CreateGroup": told, "JoinGroup": {"jid": GROUP, "group": told}, "AskInvite": "https://x/abc"}
    answers |= {"ChangeMembers": [], "AskRequests": [], "DissolveGroup": {"removed": [], "failed": [], "others": None}}
    names = (("groupId", GROUP), ("gid", GROUP.partition("@")[0]), ("group", f" {GROUP} "))
    for number, (path, given, command) in enumerate(COMMANDS):
        name, group = names[number % len(names)]
        answer = ask(call, *path.split(), session="s", **given, **{name: group})
        assert (answer.status_code, answer.json["code"]) == (200, 1000), (path, answer.json)
        assert seen.pop() == command and not seen
        assert list(answer.json["results"][0])[:2] == ["sessionId", "phone"]


def test_what_whatsapp_refuses(call: Call, ordered: Any) -> None:
    """With its words. What is unknown, and what was never sent, is told apart from it."""
    _, answers = ordered
    every = [kind.__name__ for kind in get_args(groups.GroupCommand)]
    routes = {
        (502, 2800): ("POST /group/name", "POST /group/description", "POST /group/join-via-link"),
        (500, 8000): (
            "POST /group/locked", "POST /group/announcement", "POST /group/create", "GET /groups", "GET /group/info",
            "GET /group/participants", "GET /group/participants/requests", "POST /group/participants/add",
            "DELETE /group/delete",
        ),
    }  # fmt: skip
    for expected, path in [(expected, path) for expected, paths in routes.items() for path in paths]:
        method, route = path.split()
        given = ALL[method, route]
        answers |= dict.fromkeys(every, WhatsAppRefused("WhatsApp refused: no"))
        told = refusal(ask(call, method, route, sessionId="s", **given))
        assert told == (*expected, "WhatsApp refused: no"), path
        answers |= dict.fromkeys(every, NotConnected("reconnecting"))
        assert refusal(ask(call, method, route, sessionId="s", **given)) == (409, 1106, "reconnecting")
        answers |= dict.fromkeys(every, CommandTimeout("?"))
        answer = ask(call, method, route, sessionId="s", **given)
        assert (answer.status_code, answer.json["code"], answer.json["results"][0]["status"]) == (202, 1002, "pending")


def test_what_is_refused_and_answered_all_the_same(call: Call, ordered: Any) -> None:
    """As in the original: null, or `failed`."""
    _, answers = ordered
    answers |= {kind.__name__: WhatsAppRefused("no") for kind in get_args(groups.GroupCommand)}
    given = {"sessionId": "s", "groupId": GROUP}
    for path, code, told in (
        ("GET /group/invite", 200, {"inviteLink": None}),
        ("POST /group/invite/revoke", 200, {"inviteLink": None, "status": "failed"}),
        ("GET /group/picture", 200, {"pictureUrl": None}),
        ("POST /group/leave", 207, {"status": "failed"}),
    ):
        answer = ask(call, *path.split(), **given)
        assert answer.status_code == code
        assert answer.json["results"] == [{"sessionId": "s", "phone": "628111", "groupId": GROUP, **told}]
    preview = ask(call, "GET", "/group/join-via-link", sessionId="s", link="abcdefghijkl").json["results"][0]
    assert [value for name, value in preview.items() if name not in ("sessionId", "phone", "inviteLink")] == [None] * 7


def test_whatsapp_is_asked_once(call: Call, ordered: Any) -> None:
    """Then the database knows, as long as nobody wants to know better."""
    seen, answers = ordered
    answers |= {"AskGroup": dataclasses.asdict(FACTS)}
    answers |= {"ListGroups": [dataclasses.asdict(dataclasses.replace(FACTS, members=None))]}
    for _ in range(3):
        (listed,) = ask(call, "GET", "/groups", phone="+628111").json["results"]
        (info,) = ask(call, "GET", "/group/info", sessionId="s", gid=GROUP).json["results"]
        (people,) = ask(call, "GET", "/group/participants", sessionId="s", gid=GROUP).json["results"]
        assert listed["data"] == [info["data"]] and info["data"]["linkedParent"] == "1@g.us"
        assert [(one["id"], one["isMe"], one["isAdmin"]) for one in people["participants"]] == [
            ("5@lid", False, False), ("628111@s.whatsapp.net", True, True),
        ]  # fmt: skip
    assert seen == [groups.ListGroups(), groups.AskGroup(jid=GROUP)]
    ask(call, "GET", "/groups", sessionId="s", refresh="true")
    ask(call, "GET", "/group/info", sessionId="s", gid=GROUP, refresh=1)
    assert seen[2:] == [groups.ListGroups(), groups.AskGroup(jid=GROUP)]


def test_a_listing_is_made_up(call: Call, ordered: Any, opened: Store, session: SessionRecord) -> None:
    """By asking for the groups to which people have come of which nobody knows who was in; of many, for all."""
    seen, answers = ordered
    jids = [f"{number}@g.us" for number in range(8)]
    listed = [dataclasses.replace(FACTS, jid=jid, members=None) for jid in jids]
    answers |= {"ListGroups": [dataclasses.asdict(one) for one in listed]}
    ask(call, "GET", "/groups", sessionId="s")
    for jid in jids[:2]:
        opened.groups.move(session.ulid, jid, "add", [("", "7@lid")])
    answers |= {"AskGroup": dataclasses.asdict(dataclasses.replace(FACTS, jid=jids[0]))}
    for _ in range(2):
        ask(call, "GET", "/groups", sessionId="s")
        answers |= {"AskGroup": WhatsAppRefused("gone")}
    data = ask(call, "GET", "/groups", sessionId="s").json["results"][0]["data"]
    assert seen[1:] == [groups.AskGroup(jid=jids[0]), groups.AskGroup(jid=jids[1]), groups.AskGroup(jid=jids[1])]
    assert [one["id"] for one in data] == [jids[0], *jids[2:]]
    for jid in jids:
        opened.groups.move(session.ulid, jid, "add", [("", "8@lid")])
    ask(call, "GET", "/groups", sessionId="s")
    assert seen[4:] == [groups.ListGroups()]


def test_what_was_done_is_known_at_once(call: Call, ordered: Any) -> None:
    seen, answers = ordered
    change = {"pn": "628222@s.whatsapp.net", "lid": "2@lid", "error": 0}
    answers |= {
        "AskGroup": dataclasses.asdict(FACTS),
        "ChangeMembers": [change, change | {"lid": "3@lid", "error": 404}],
    }
    given = {"sessionId": "s", "groupId": GROUP, "participants": ["628222"]}
    ask(call, "GET", "/group/info", **given)
    ask(call, "POST", "/group/participants/add", **given)
    ask(call, "POST", "/group/name", **given, name="New")
    ask(call, "POST", "/group/locked", **given, locked=True)
    data = ask(call, "GET", "/group/info", **given).json["results"][0]["data"]
    assert (data["subject"], data["restrict"], data["participantsCount"]) == ("New", True, 3)
    assert [type(one) for one in seen].count(groups.AskGroup) == 1


def test_each_is_told_of(call: Call, ordered: Any) -> None:
    """By number, or by LID where that is all that is known."""
    _, answers = ordered
    given = {"sessionId": "s", "groupId": GROUP, "participants": ["0@lid", "1@lid"]}
    cases: list[tuple[list[int], str, int, list[str]]] = [
        ([0, 0], "success", 200, ["promoted", "promoted"]),
        ([0, 404], "partial", 207, ["promoted", "failed"]),
        ([403, 401], "failed", 207, ["not permitted", "not permitted"]),
    ]
    for errors, status, code, ranks in cases:
        people = [{"pn": "", "lid": f"{number}@lid", "error": error} for number, error in enumerate(errors)]
        answers |= {"ChangeMembers": people, "ApproveRequests": people}
        done = [str(number) for number, error in enumerate(errors) if not error]
        failed = [str(number) for number, error in enumerate(errors) if error]
        for path, names in (
            ("/group/participants/add", ("addedParticipants", "failedToAdd")),
            ("/group/participants/request/approve", ("approvedParticipants", "failedToApprove")),
        ):
            answer = ask(call, "POST", path, **given)
            (entry,) = answer.json["results"]
            assert (answer.status_code, entry["status"]) == (code, status)
            assert (entry[names[0]], entry[names[1]]) == (done, failed)
        answer = ask(call, "POST", "/group/participants/promote", **given)
        (entry,) = answer.json["results"]
        assert (answer.status_code, entry["status"]) == (code, status)
        assert entry["participants"] == [{"phone": str(number), "status": rank} for number, rank in enumerate(ranks)]


def test_who_was_not_there_cannot_be_removed(call: Call, ordered: Any) -> None:
    """And is in neither list."""
    _, answers = ordered
    people = [{"pn": "", "lid": f"{error}@lid", "error": error} for error in (0, 404, 403)]
    answers |= {"ChangeMembers": people}
    given = {"sessionId": "s", "groupId": GROUP, "participants": ["628222"]}
    (entry,) = ask(call, "DELETE", "/group/participants/remove", **given).json["results"]
    assert (entry["removedParticipants"], entry["failedToRemove"], entry["status"]) == (["0"], ["403"], "partial")
