"""How long a search takes among many stored messages: `make bench`, or python tests/benchmarks/search.py [MESSAGES].

On SQLite and on PostgreSQL at 127.0.0.1, in a database of its own that is dropped at the end. Prints milliseconds, all
taken in one run on this machine; nothing is asserted.
"""

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from support import databases
from warest import accounts, store

MESSAGES, CHATS, AT_ONCE, SEARCHES = 1_000_000, 1_000, 10_000, 50

#: What is looked for -> one message in so many has it.
WORDS = {"rare": 50_000, "usual": 200, "common": 4}

#: What the others are made of: no word of them begins one of those above.
_VOCABULARY = [f"{start}{end}" for start in ("ba", "do", "ki", "lu", "me") for end in range(2_000)]

#: Epoch seconds of the oldest message.
_BEGINNING = 1_700_000_000

_COLUMNS = (
    "session", "chat", "id", "from_me", "sender", "recipient", "type", "is_media", "body", "ts", "raw", "status",
    "starred", "deleted", "edited", "created_at", "updated_at",
)  # fmt: skip


def main(count: int) -> None:
    for kind in ("sqlite", "postgres"):
        folder = Path(tempfile.mkdtemp(prefix="warest-bench-"))
        try:
            with databases.empty(kind, folder) as database:
                measure(kind, database, count)
        except pytest.skip.Exception as reason:
            print(f"search, {kind}: SKIPPED: {reason}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def measure(kind: str, database: store.Database, count: int) -> None:
    store.migrate(database)
    opened = store.open(database)
    accounts.seed_admin(opened, "boss", "a password", "the key")
    owner = store.Account("admin", "boss", True)
    session = opened.create_session(owner, "session").ulid
    began = time.monotonic()
    insert(database, session, count)
    print(f"search, {kind}: {count:,} messages put in, in {time.monotonic() - began:.0f} s")
    for word, every in WORDS.items():
        taken: list[float] = []
        for _ in range(SEARCHES):
            began = time.perf_counter()
            found = opened.search.messages(owner, session, word, limit=20)
            taken.append((time.perf_counter() - began) * 1000)
        assert found, word
        cuts = statistics.quantiles(taken, n=100, method="inclusive")
        print(
            f"search, {kind}, a {word} word (in {-(-count // every):,}):"
            f" p50 {cuts[49]:.1f}, p95 {cuts[94]:.1f} ms (n = {SEARCHES})"
        )


def insert(database: store.Database, session: str, count: int) -> None:
    """Past the store, whose way is made for messages that come one by one."""
    connection = databases.connect(database)
    one = "?" if isinstance(database, store.Sqlite) else "%s"
    values = f"({', '.join([one] * len(_COLUMNS))})"
    cursor, rows = connection.cursor(), messages(session, count)
    while some := list(islice(rows, AT_ONCE)):
        if isinstance(database, store.Sqlite):
            cursor.executemany(f"INSERT INTO messages ({', '.join(_COLUMNS)}) VALUES {values}", some)
        else:
            told = b",".join(cursor.mogrify(values, row) for row in some)
            cursor.execute(f"INSERT INTO messages ({', '.join(_COLUMNS)}) VALUES ".encode() + told)
        connection.commit()
    if not isinstance(database, store.Sqlite):
        cursor.execute("ANALYZE messages")  # as the server does by itself after a while
        connection.commit()
    connection.close()


def messages(session: str, count: int) -> Iterator[tuple[object, ...]]:
    """About ten words each; the same ones in every run."""
    chance = random.Random(1)
    for number in range(count):
        words = chance.choices(_VOCABULARY, k=chance.randint(3, 17))
        words += [word for word, every in WORDS.items() if number % every == 0]
        chat = f"628{chance.randrange(CHATS):09}@s.whatsapp.net"
        ts = _BEGINNING + number
        yield (
            session, chat, f"3EB0{number:016X}", False, chat, "", "conversation", False, " ".join(words), ts, "{}", "",
            False, False, False, float(ts), float(ts),
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else MESSAGES)
