"""Chats, contacts and messages, the same on every database."""

from dataclasses import replace
from typing import Any

import pytest

from support import databases
from support.threads import at_once
from warest import store
from warest.errors import DriverError, NotFound
from warest.ids import new_ulid
from warest.store import Account, ChatNews, ContactNews, Message, Store

ANI, BUDI, GROUP = "628111@s.whatsapp.net", "628222@s.whatsapp.net", "120363@g.us"

#: What strangers may write: NUL, half of a surrogate pair, four-byte characters, blanks at the ends.
WILD = " a\0b\ud800c\U0001f600 "
TAMED = " a\ufffdb\ufffdc\U0001f600 "


def message(id: str, ts: int = 100, chat: str = ANI, **fields: Any) -> Message:
    return Message(**{"chat": chat, "id": id, "ts": ts, "from_me": False, "body": f"body {id}", **fields})


def bodies(page: store.Page[Message]) -> list[str]:
    return [each.body for each in page.rows]


def jids(page: store.Page[Any]) -> list[str]:
    return [each.jid for each in page.rows]


def test_a_message_is_kept_as_it_is(opened: Store, admin: Account, session: str) -> None:
    """Every field, and texts of any length and kind; what no database can hold costs neither it nor its neighbours."""
    raw = {"key": {"id": WILD}, "message": {"conversation": "\U0001f600" * 100_000}}
    wild = message(
        "wild\0", body=WILD + "x" * 200_000, raw=raw, type="t" * 99, is_media=True, sender=BUDI, recipient=ANI,
        from_me=True, status="sent", starred=True, edited=True, deleted=True, ts=2**64 - 1,
    )  # fmt: skip
    assert opened.messages.put(session, [message("before", ts=-1), wild, message("x" * 5000), message("after")]) == 4
    got = opened.messages.get(admin, session, ANI, "wild\0")
    assert got and got.raw == {"key": {"id": WILD.replace("\ud800", "\ufffd")}, "message": raw["message"]}
    assert (got.body, got.type, got.ts) == (TAMED + "x" * 200_000, "t" * 64, 2**53)
    told: dict[str, Any] = {"id": wild.id, "body": wild.body, "type": wild.type, "ts": wild.ts, "raw": wild.raw}
    assert replace(got, **told, created_at=0.0, updated_at=0.0) == wild
    assert got.created_at == got.updated_at > 0
    assert opened.messages.get(admin, session, ANI, "x" * 5000) and opened.messages.count(admin, session) == 4
    assert opened.messages.get(admin, session, ANI, "x" * 4999) is None


def test_a_message_is_kept_once(opened: Store, admin: Account, session: str) -> None:
    """The first is the one, however often it comes, in one call or in many; another chat may have the same id."""
    assert opened.messages.put(session, [message("1", body="first"), message("1", body="second")], live=True) == 1
    assert opened.messages.put(session, [message("1", body="third"), message("2")], live=True) == 1
    assert opened.messages.put(session, [message("1", chat=GROUP)]) == 1
    assert bodies(opened.messages.page(admin, session, ANI, limit=9)) == ["body 2", "first"]
    assert {each.chat for each in opened.messages.find(admin, session, "1")} == {ANI, GROUP}
    opened.messages.put(session, [message("3")])
    opened.messages.put(session, [message("4", from_me=True)], live=True)
    chat, group = (opened.chats.get(admin, session, jid) for jid in (ANI, GROUP))
    assert chat and group and (chat.unread, group.unread) == (2, 0)


def test_messages_that_come_at_once(opened: Store, admin: Account, session: str) -> None:
    """Several workers with overlapping batches: each message is kept, and counted, once, and nobody hears of it."""
    batch = [message(str(number), chat=f"{number % 7}@g.us") for number in range(300)]
    orders = iter([batch, batch[::-1], batch[100:], batch[:200]])
    got = at_once(lambda: opened.messages.put(session, next(orders), live=True), threads=4)
    assert sum(count for count in got if isinstance(count, int)) == 300, got
    unread = [chat.unread for chat in opened.chats.page(admin, session, limit=99).rows]
    assert sum(unread) == 300 and opened.messages.count(admin, session) == 300


def test_a_session_that_is_gone_gets_nothing(opened: Store, admin: Account, session: str) -> None:
    """What its process still brings is refused, not kept for ever."""
    opened.delete_session(admin, session)
    for put in (
        lambda: opened.messages.put(session, [message("1")]),
        lambda: opened.chats.put(session, [ChatNews(jid=ANI)]),
        lambda: opened.contacts.put(session, [ContactNews(jid=ANI)]),
    ):
        with pytest.raises(NotFound):
            put()


def test_listing_messages(opened: Store, admin: Account, session: str) -> None:
    """Newest first, filtered, a page at a time with the number of all."""
    messages = [
        message(str(ts), ts=ts, from_me=ts % 2 == 0, is_media=ts > 17, body=f"Number {ts}%") for ts in range(20)
    ]
    opened.messages.put(session, [*messages, message("else", chat=GROUP)])

    def ids(**wanted: Any) -> list[int]:
        page = opened.messages.page(admin, session, ANI, **{"limit": 99, **wanted})
        return [each.ts for each in page.rows]

    assert ids() == list(range(20))[::-1] and ids(limit=3, offset=2) == [17, 16, 15]
    assert opened.messages.page(admin, session, ANI, limit=3).total == 20
    assert ids(start=5, end=7) == [7, 6, 5] and ids(start=-(2**80), end=2**80) == ids()
    assert ids(media_only=True) == [19, 18] and ids(from_me=False, end=4) == [3, 1]
    assert ids(search="nUMBER 1%") == [1] and ids(search="_") == [] and ids(search="\0") == []


def test_changing_a_message(opened: Store, admin: Account, session: str) -> None:
    """What one makes of it, the other sees; chat, id, direction, sender and time stay."""
    opened.messages.put(session, [message("1", raw={"count": 0})])

    def count(one: Message) -> Message:
        return replace(one, raw={"count": one.raw["count"] + 1}, body="  new", deleted=True, ts=5, from_me=True)

    got = at_once(lambda: [opened.messages.change(session, ANI, "1", count) for _ in range(5)], threads=4)
    assert all(isinstance(one, list) for one in got), got
    changed = opened.messages.get(admin, session, ANI, "1")
    assert changed and (changed.raw, changed.body, changed.deleted) == ({"count": 20}, "  new", True)
    assert (changed.ts, changed.from_me) == (100, False)
    assert opened.messages.change(session, ANI, "2", count) is None


def test_receipts_in_any_order(opened: Store, admin: Account, session: str) -> None:
    """A message that was read is not merely delivered any more."""
    opened.messages.put(session, [message(id, from_me=True, status="sent") for id in ("1", "2")])
    for ids, status in ((["1"], "read"), (["1", "2", "3"], "delivered"), (["1", "2"], "pending")):
        opened.messages.advance(session, ANI, ids, status)
    assert [opened.messages.find(admin, session, id)[0].status for id in ("1", "2")] == ["read", "delivered"]


def test_deleting_messages(opened: Store, admin: Account, session: str) -> None:
    """One, or all of a chat; nothing else goes."""
    opened.messages.put(session, [message("1"), message("2"), message("3"), message("1", chat=GROUP)], live=True)
    assert opened.messages.delete(session, ANI, "1") and not opened.messages.delete(session, ANI, "1")
    assert opened.messages.clear(session, ANI) == 2
    chat = opened.chats.get(admin, session, ANI)
    assert chat and (chat.unread, chat.last_message, chat.last_message_ts) == (0, "", 100)
    assert opened.messages.count(admin, session) == 1
    opened.chats.delete(session, GROUP)
    assert opened.chats.get(admin, session, GROUP) is None and opened.messages.count(admin, session) == 0


def test_the_last_message_of_a_chat(opened: Store, admin: Account, session: str) -> None:
    """History comes in any order, in one call and in many: the newest stays, whatever comes after it."""
    opened.messages.put(session, [message("5", ts=5), message("9", ts=9), message("7", ts=7)])
    opened.messages.put(session, [message("8", ts=8, body="older")])
    opened.chats.put(session, [ChatNews(jid=ANI, last_message="oldest", last_message_ts=1, name="Ani")])
    opened.chats.put(session, [ChatNews(jid=ANI, last_message="none")])
    chat = opened.chats.get(admin, session, ANI)
    assert chat and (chat.last_message, chat.last_message_ts, chat.name) == ("body 9", 9, "Ani")
    opened.chats.put(session, [ChatNews(jid=ANI, last_message=WILD, last_message_ts=10)])
    chat = opened.chats.get(admin, session, ANI)
    assert chat and (chat.last_message, chat.last_message_ts) == (TAMED, 10)


def test_learning_about_a_chat(opened: Store, admin: Account, session: str) -> None:
    """What the news do not say stays; what they say again is no change."""
    full = ChatNews(
        jid=GROUP, name=WILD * 99, unread=3, archived=True, pinned=True, muted_until=2**70, last_message="m",
        last_message_ts=7, ephemeral=86400,
    )  # fmt: skip
    opened.chats.put(session, [full])
    first = opened.chats.get(admin, session, GROUP)
    assert first and first.is_group and first.name == (TAMED * 99)[:255] and first.muted_until == 2**53
    assert (first.unread, first.archived, first.pinned, first.ephemeral) == (3, True, True, 86400)
    opened.chats.put(session, [ChatNews(jid=GROUP), full])
    assert opened.chats.get(admin, session, GROUP) == first
    opened.chats.put(session, [ChatNews(jid=GROUP, unread=0, archived=False), ChatNews(jid=GROUP, more_unread=2)])
    second = opened.chats.get(admin, session, GROUP)
    assert second and second.updated_at > first.updated_at
    assert replace(second, updated_at=first.updated_at) == replace(first, unread=2, archived=False)


def test_listing_chats(opened: Store, admin: Account, session: str) -> None:
    """Filtered, sorted either way, a page at a time with the number of all; signs of LIKE are signs (quirk S17)."""
    opened.chats.put(
        session,
        [
            ChatNews(jid=ANI, name="Ani \xc4", last_message_ts=3),
            ChatNews(jid=BUDI, name="budi_", unread=2, last_message_ts=1),
            ChatNews(jid=GROUP, name="Club", unread=1, last_message_ts=2),
        ],
    )
    opened.messages.put(session, [message("1", ts=1, chat=BUDI, is_media=True)])

    def page(**wanted: Any) -> list[str]:
        return jids(opened.chats.page(admin, session, **{"limit": 99, **wanted}))

    assert page() == [ANI, GROUP, BUDI] and page(descending=False) == [BUDI, GROUP, ANI]
    assert page(sort="name", descending=False) == [ANI, GROUP, BUDI] and page(sort="id") == [BUDI, ANI, GROUP]
    assert page(sort="unreadCount") == [BUDI, GROUP, ANI] and page(limit=1, offset=1) == [GROUP]
    assert opened.chats.page(admin, session, limit=1).total == 3
    assert page(search="\xe4") == page(search="ANI") == page(search="8111") == [ANI]
    assert page(search="_") == [BUDI] and page(search="%") == []
    assert page(is_group=True) == [GROUP] and page(is_group=False, is_unread=True) == [BUDI]
    assert page(is_unread=False) == [ANI] and page(has_media=True) == [BUDI] and page(has_media=False) == [ANI, GROUP]


def test_one_person_is_one_contact(opened: Store, admin: Account, session: str) -> None:
    """By number as long as that is all that is known; then by the LID, with all that was known, in whatever order."""
    put, lid, third = opened.contacts.put, "5@lid", "628333@s.whatsapp.net"
    put(session, [ContactNews(jid=ANI, pn=ANI, name="Ani", is_my_contact=True), ContactNews(jid=BUDI, pn=BUDI)])
    for _ in range(2):
        put(session, [ContactNews(jid=lid, pn=ANI, lid=lid, notify="ani99"), ContactNews(jid="6@lid", lid="6@lid")])
    put(session, [ContactNews(jid=ANI, pn=ANI, verified_name="Ani's")])
    put(session, [ContactNews(jid="6@lid", pn=BUDI, lid="6@lid"), ContactNews(jid=BUDI, pn=BUDI, name="Budi")])
    at_once = [ContactNews(jid=third, pn=third, name="Cici"), ContactNews(jid="7@lid", pn=third, lid="7@lid")]
    put(session, at_once)
    ani, budi, cici = opened.contacts.page(admin, session, limit=9).rows
    assert (cici.jid, cici.name) == ("7@lid", "Cici")
    assert (ani.jid, ani.pn, ani.name, ani.notify, ani.verified_name) == (lid, ANI, "Ani", "ani99", "Ani's")
    assert ani.is_my_contact and (budi.jid, budi.pn, budi.name) == ("6@lid", BUDI, "Budi")
    assert opened.contacts.find(admin, session, ANI) == ani


def test_contacts(opened: Store, admin: Account, session: str) -> None:
    """News of any source add up; each is found by both of its addresses."""
    lid = "99@lid"
    opened.contacts.put(session, [ContactNews(jid=ANI, lid=lid, notify=WILD), ContactNews(jid=ANI, pn=ANI, name="Ani")])
    opened.contacts.put(session, [ContactNews(jid=ANI, is_my_contact=True), ContactNews(jid=lid)])
    opened.contacts.put(session, [ContactNews(jid="7@lid", pn=BUDI, verified_name="Shop"), ContactNews(jid=GROUP)])
    ani = opened.contacts.get(admin, session, ANI)
    assert ani and (ani.pn, ani.lid, ani.name, ani.notify, ani.verified_name) == (ANI, lid, "Ani", TAMED, "")
    assert (ani.is_me, ani.is_my_contact) == (False, True) and opened.contacts.find(admin, session, ANI) == ani
    found = opened.contacts.find(admin, session, BUDI)
    assert found and found.jid == "7@lid" and opened.contacts.find(admin, session, "8@lid") is None

    def page(**wanted: Any) -> list[str]:
        return jids(opened.contacts.page(admin, session, **{"limit": 99, **wanted}))

    assert page() == [GROUP, ANI, "7@lid", lid] and page(limit=1, offset=1) == [ANI]
    assert page(search="aNI") == [ANI] and page(search="628222") == page(search="shop") == ["7@lid"]
    assert page(is_my_contact=True) == [ANI]
    assert opened.contacts.page(admin, session, search="lid", limit=1).total == 2


def test_a_stranger_reads_nothing(opened: Store, admin: Account, other: Account, session: str) -> None:
    """Of somebody else's session there is nothing, for an admin no less than for a user."""
    theirs = opened.create_session(other, "theirs").ulid
    for ulid in (session, theirs):
        opened.messages.put(ulid, [message("1")])
        opened.contacts.put(ulid, [ContactNews(jid=ANI, pn=ANI)])
    for owner, ulid in ((other, session), (admin, theirs), (admin, new_ulid()), (admin, "\0")):
        assert opened.messages.get(owner, ulid, ANI, "1") is None and opened.messages.find(owner, ulid, "1") == []
        assert opened.messages.page(owner, ulid, ANI, limit=9) == store.Page([], 0)
        assert opened.messages.count(owner, ulid) == 0
        assert opened.chats.get(owner, ulid, ANI) is None and opened.chats.page(owner, ulid, limit=9).total == 0
        assert opened.contacts.get(owner, ulid, ANI) is None and opened.contacts.find(owner, ulid, ANI) is None
        assert opened.contacts.page(owner, ulid, limit=9).total == 0
    assert opened.messages.get(other, theirs, ANI, "1") and opened.contacts.find(other, theirs, ANI)


def test_much_at_once(opened: Store, admin: Account, session: str) -> None:
    """History brings thousands; then they are deleted with the session, and those of others stay (quirk Q19)."""
    stays = opened.create_session(admin, "stays").ulid
    opened.messages.put(stays, [message("1")])
    many = [message(str(number), ts=number, chat=f"{number % 700}@s.whatsapp.net") for number in range(2_500)]
    assert opened.messages.put(session, many) == 2_500 and opened.messages.put(session, many) == 0
    big = [message(str(number), chat=GROUP) for number in range(1_200)]
    assert opened.messages.put(session, big) == 1_200 == opened.messages.clear(session, GROUP)
    opened.chats.delete(session, GROUP)
    opened.contacts.put(session, [ContactNews(jid=each.chat, name="x") for each in many])
    assert (
        opened.chats.page(admin, session, limit=1).total == opened.contacts.page(admin, session, limit=1).total == 700
    )
    opened.delete_session(admin, session)
    assert opened.messages.count(admin, stays) == 1


def test_nothing_is_left_of_a_deleted_session(
    database: store.Database, opened: Store, admin: Account, session: str
) -> None:
    """In none of the tables, though nobody asks for it any more (quirk Q19)."""
    opened.messages.put(session, [message("1")])
    opened.contacts.put(session, [ContactNews(jid=ANI)])
    endpoint = opened.endpoints.create(admin, session, url="u")
    tried = store.Attempt(number=1, at=1, url="u", status_code=1, latency_ms=1)
    told: dict[str, Any] = {"delivery": "d", "event_id": "evt_1", "event": "e", "created_at": 1.0, "state": "delivered"}
    opened.deliveries.write(
        [store.Note(**told, endpoint=endpoint.id, session=session, registry=admin.registry, attempt=tried)]
    )
    opened.sends.begin(admin, store.NewSend(id="cmd_1", session=session, kind="text"))
    tables = ("chats", "contacts", "messages", "sends", "endpoints", "deliveries", "attempts", "sessions")
    assert all(databases.execute(database, f"select 1 from {table}") for table in tables)
    opened.delete_session(admin, session)
    assert [databases.execute(database, f"select * from {table}") for table in tables] == [[]] * len(tables)


@pytest.mark.server
@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_transaction_is_never_halved(kind: str, tmp_path: Any) -> None:
    """A connection that is lost in the middle loses the whole: no second half is written on a new one."""
    with databases.empty(kind, tmp_path) as database:
        store.migrate(database)
        opened = store.open(database)
        owner = Account("admin", "boss", True)
        opened.put_admin("boss", "x", "key")
        session = opened.create_session(owner, "session").ulid
        opened.messages.put(session, [message("1", body="before")])

        def cut(one: Message) -> Message:
            databases.cut_all_connections(database)
            return replace(one, body="after")

        with pytest.raises(DriverError):
            opened.messages.change(session, ANI, "1", cut)
        assert bodies(opened.messages.page(owner, session, ANI, limit=9)) == ["before"]
        assert opened.messages.put(session, [message("2")]) == 1


def test_where_messages_disappear(opened: Store, admin: Account, session: str) -> None:
    """Of many chats, asked for at once; not of another session's."""
    many = [f"{number}@g.us" for number in range(250)]
    opened.chats.put(session, [ChatNews(jid=ANI, ephemeral=86400), ChatNews(jid=BUDI, ephemeral=0)])
    opened.chats.put(session, [ChatNews(jid=many[-1], ephemeral=7)])
    assert opened.chats.expirations(session, [ANI, BUDI, GROUP, *many]) == {ANI: 86400, many[-1]: 7}
    assert opened.chats.expirations(session, [BUDI]) == opened.chats.expirations(session, []) == {}
    assert opened.chats.expirations(new_ulid(), [ANI]) == {}
