"""Identifiers: what is parsed is formatted again, and whatever people write for a recipient finds its address."""

import time

import pytest

from warest import ids
from warest.errors import InvalidInput


@pytest.mark.parametrize(
    "text",
    ["628111@s.whatsapp.net", "628111:12@s.whatsapp.net", "123456@lid", "123456:3@lid", "12036304@g.us", "1-2@g.us"],
)
def test_a_jid_survives_parsing(text: str) -> None:
    """Parsing and formatting are each other's reverse."""
    assert str(ids.Jid.parse(text)) == text


@pytest.mark.parametrize("text", ["", "628111", "@lid", "628111@", "1:x@lid", "1:²@lid", "1:٣@lid", "1:999999@lid"])
def test_what_is_no_jid_is_refused(text: str) -> None:
    """Nothing but WhatsApp's own form is taken, whatever Unicode calls a digit."""
    with pytest.raises(InvalidInput):
        ids.Jid.parse(text)


def test_a_jid_knows_its_account_and_kind() -> None:
    """The account of a device is the same without the device; servers tell kinds apart."""
    device = ids.Jid.parse("123:4@lid")
    assert (device.account, device.is_lid, device.is_group) == (ids.Jid("123", "lid"), True, False)
    assert ids.Jid.parse("1@g.us").is_group


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ("08123456789", "628123456789@s.whatsapp.net"),
        ("+62 812-345", "62812345@s.whatsapp.net"),
        ("00628123", "628123@s.whatsapp.net"),
        ("000812", "62812@s.whatsapp.net"),
        (" 628123 ", "628123@s.whatsapp.net"),
        ("628123@c.us", "628123@s.whatsapp.net"),
        ("08123@c.us", "08123@s.whatsapp.net"),
        ("+62 8123@example.com", "628123@s.whatsapp.net"),
        ("628123@s.whatsapp.net", "628123@s.whatsapp.net"),
        ("628123:7@s.whatsapp.net", "628123:7@s.whatsapp.net"),
        ("999@lid", "999@lid"),
        ("1-2@g.us", "1-2@g.us"),
        ("1@newsletter", "1@newsletter"),
        ("status@broadcast", "status@broadcast"),
    ],
)
def test_a_recipient_as_people_write_it(token: str, found: str) -> None:
    """Contract, endpoints.md 0.7; a LID stays one (quirk Q33)."""
    assert str(ids.recipient(token, "62")) == found


@pytest.mark.parametrize("token", ["", " ", "abc", "00", "0", "٣٤٥", "@s.whatsapp.net", "a:b@lid", "x@example.com"])
def test_where_no_recipient_is(token: str) -> None:
    """Nothing to send to is None, never an error: the rest of the list may be good."""
    assert ids.recipient(token, "62") is None


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        (["1,2;3\n4"], ["1", "2", "3", "4"]),
        (["1", "01@c.us, 1", "1"], ["1", "01"]),
        (['["1", 2, "3@g.us"]'], ["1", "2", "3@g.us"]),
        (['["1", "2"'], ["1", "2"]),
        (["[]"], []),
        ([], []),
    ],
)
def test_lists_of_recipients(tokens: list[str], found: list[str]) -> None:
    """Separators and JSON arrays make lists; an address comes once, where it came first."""
    whole = [one if "@" in one else f"{one}@s.whatsapp.net" for one in found]
    assert list(map(str, ids.recipients(tokens, "62"))) == whole


def test_ulids_sort_by_time() -> None:
    """26 characters of Crockford's alphabet, larger with each millisecond; the rest is random."""
    first = ids.new_ulid()
    before = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == before:
        pass
    later = [ids.new_ulid() for _ in range(100)]
    assert all(len(one) == 26 and set(one) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for one in [first, *later])
    assert all(first < one for one in later) and len(set(later)) == 100


def test_ulids_carry_their_time() -> None:
    """The known example of the ULID specification: the time part of 1469918176385 ms."""
    assert ids.event_id_for(1469918176385)[4:14] == "01ARYZ6S41"


def test_event_ids_repeat_with_their_origin() -> None:
    """The same origin has the same id; a part more, or the same letters cut elsewhere, has another."""
    same = {ids.event_id_for(1, "a", "bc") for _ in range(3)}
    assert ids.command_id_for(min(same), "x")[:14] == f"cmd_{min(same)[4:14]}" and len(min(same)) == 30
    assert len({ids.command_id_for(id, what) for id in same for what in ("x", "y") for _ in range(2)}) == 2
    others = {ids.event_id_for(1, "ab", "c"), ids.event_id_for(1, "abc"), ids.event_id_for(2, "a", "bc")}
    assert len(same) == 1 and len(same | others) == 4
    assert all(one.startswith("evt_") and len(one) == 30 for one in same | others)


@pytest.mark.parametrize("timestamp", [-1, 2**63 - 1])
def test_an_impossible_time_costs_no_event(timestamp: int) -> None:
    """A time that no ULID can hold still gives an id, the same each time."""
    assert ids.event_id_for(timestamp, "x") == ids.event_id_for(timestamp, "x")


def test_session_names() -> None:
    """Letters, digits, dot, underscore and dash, 64 at most, and nothing behind them."""
    assert all(ids.SESSION_NAME.fullmatch(name) for name in ("a", "..", "a.DQ", "A-b_c.9", "x" * 64))
    assert not any(ids.SESSION_NAME.fullmatch(name) for name in ("", "x" * 65, "a b", "a/b", "ä", "a\n", "a\0"))


@pytest.mark.parametrize("cursor", ["0-0", "0-1", "1795341713000-0", "1795341713000-12", f"{2**43 - 1}-{2**20 - 1}"])
def test_a_cursor_is_a_number(cursor: str) -> None:
    """And back; it fits into 63 bits."""
    number = ids.cursor_number(cursor)
    assert ids.cursor_text(number) == cursor and 0 <= number < 2**63


def test_cursors_sort_as_their_numbers() -> None:
    cursors = ["1-9", "1-10", "2-0", "10-1", "1795341713000-0"]
    assert sorted(cursors, key=ids.cursor_number) == cursors
    assert ids.cursor_number("9-1048575") < ids.cursor_at(10) == ids.cursor_number("10-0")


@pytest.mark.parametrize(
    "text", ["", "1", "-", "1-", "x-1", "1-x", "-1-1", "1-1 ", "1-1\n", "²-1", f"{2**43}-0", "1-1048576"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        ids.cursor_number(text)
