"""Messages are found by their words, the same on every database."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from support.waiting import eventually
from warest.store import Account, Message, Store, search

ANI, BUDI = "628111@s.whatsapp.net", "628222@s.whatsapp.net"


def finds(look: Callable[[], list[Message]], wanted: list[str]) -> None:
    """MariaDB has been seen to find what was committed only a moment later."""
    eventually(lambda: [message.id for message in look()] == wanted, within=5)


@pytest.fixture
def told(opened: Store, session: str) -> Store:
    texts = [
        ("1", ANI, "The invoice for the blue bicycle is ready"),
        ("2", ANI, "Which BICYCLES do you have?"),
        ("3", BUDI, "A red bicycle, no invoice"),
        ("4", BUDI, 'Where\'s the café? \U0001f600 50% _off_ "now" OR never'),
        ("5", BUDI, "x" * 150_000 + " " + " ".join(f"word{n}" for n in range(20_000))),
    ]
    messages = [
        Message(chat=chat, id=id, from_me=False, ts=100 + number, body=body)
        for number, (id, chat, body) in enumerate(texts)
    ]
    opened.messages.put(session, messages)
    return opened


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bicycle", ["3", "2", "1"]),
        ("BICYCLE invoice", ["3", "1"]),
        ("invoice bicycle blue", ["1"]),
        ("bicy", ["3", "2", "1"]),
        ("bicycles", ["2"]),
        ("nothing", []),
        ("", []),
        ("!?", []),
        ("café", ["4"]),
        ('now" OR "invoice', []),
        ("never* NOT now", []),
        ("body:invoice", []),
        ("50%", ["4"]),
        ("'; DROP TABLE messages; --", []),
    ],
)
def test_all_words_have_to_be_there(told: Store, admin: Account, session: str, text: str, found: list[str]) -> None:
    """Newest first; nothing in a text is a command to the database. MySQL does not know words of two letters."""
    if text == "50%" and told.search._dialect == "MySQL":
        found = []
    finds(lambda: told.search.messages(admin, session, text, limit=9), found)


def test_pages_chats_and_owners(told: Store, admin: Account, other: Account, session: str) -> None:
    finds(lambda: told.search.messages(admin, session, "bicycle", limit=1, offset=1), ["2"])
    finds(lambda: told.search.messages(admin, session, "bicycle", chat=ANI, limit=9), ["2", "1"])
    finds(lambda: told.search.messages(other, session, "bicycle", limit=9), [])
    second = told.create_session(admin, "second").ulid
    finds(lambda: told.search.messages(admin, second, "bicycle", limit=9), [])


def test_a_few_of_the_newest_are_looked_at_first(
    told: Store, admin: Account, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they hold enough or not, the pages are the same, in one chat too."""
    for newest in range(1, 6):
        monkeypatch.setattr(search, "LOOKED_THROUGH", newest)
        for offset, wanted in enumerate([["3"], ["2"], ["1"], []]):
            finds(partial(told.search.messages, admin, session, "bicycle", limit=1, offset=offset), wanted)
        finds(lambda: told.search.messages(admin, session, "bicycle", chat=ANI, limit=1), ["2"])


def test_what_changes_is_found_as_it_is(told: Store, admin: Account, session: str) -> None:
    """An edit, a deletion, a chat that is cleared."""
    told.messages.change(session, ANI, "2", lambda message: replace(message, body="Which tricycles?"))
    finds(lambda: told.search.messages(admin, session, "bicycle", limit=9), ["3", "1"])
    finds(lambda: told.search.messages(admin, session, "tricycles", limit=9), ["2"])
    told.messages.delete(session, ANI, "1")
    finds(lambda: told.search.messages(admin, session, "invoice", limit=9), ["3"])
    told.messages.clear(session, BUDI)
    finds(lambda: told.search.messages(admin, session, "bicycle", limit=9), [])
