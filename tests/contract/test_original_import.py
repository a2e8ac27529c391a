"""What the original has left, taken over into every database of ours."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.original import Original
from warest import accounts, store
from warest.cli import db
from warest.errors import SetupError
from warest.original_import import PORTION, Import, Report
from warest.store import Account, Message, Store

ANI, BUDI, GROUP = "628111@s.whatsapp.net", "628222@s.whatsapp.net", "120363@g.us"


@pytest.fixture
def original(tmp_path: Path) -> Original:
    """An admin with a session, and a user with another."""
    made = Original(tmp_path / "original.sqlite")
    salt = "00" * 16
    password = hashlib.scrypt(b"their password", salt=bytes.fromhex(salt), n=16384, r=8, p=1, dklen=64).hex()
    made.user("admin", "root", password=f"scrypt:{salt}:{'0' * 128}", api_key=store.key_hash("old admin"), is_admin=1)
    made.user("QWERTYUIOP", "tina", password=f"scrypt:{salt}:{password}", api_key=store.key_hash("tina's key"))
    made.session("shop", "admin", webhook_url="http://r/", webhook_secret="a-secret", status="open")
    made.session("tina.1", "QWERTYUIOP", session_profile='[{"pushname": "Tina"}]')
    return made


def run(opened: Store, original: Original, *, dry: bool = False) -> Report:
    return Import(opened, original.path, dry=dry, progress=lambda *_: None).run()


def tina(opened: Store) -> Account:
    account = opened.account_by_name("tina")
    assert account is not None
    return account


def ulid(opened: Store, name: str) -> str:
    record = opened.session(name)
    assert record is not None
    return record.ulid


def page(opened: Store, owner: Account, session: str, chat: str = ANI) -> list[Message]:
    return opened.messages.page(owner, ulid(opened, session), chat, limit=1000).rows


def test_users_keep_their_passwords_and_keys(opened: Store, admin: Account, original: Original) -> None:
    """Keys are hashed, those that somebody has put in as they are too; the hash itself opens nothing (S5)."""
    original.user("PLAIN", "paul", api_key="pauls-plain-key", password="not a hash", is_admin="1")
    report = run(opened, original)
    assert (report.new["users"], report.known["users"]) == (2, 1)
    assert accounts.log_in(opened, "tina", "their password") == tina(opened) == Account("QWERTYUIOP", "tina", False)
    assert opened.account_by_key("tina's key") == tina(opened)
    assert opened.account_by_key(store.key_hash("tina's key")) is None
    assert opened.account_by_key("pauls-plain-key") == Account("PLAIN", "paul", True)
    assert accounts.log_in(opened, "paul", "not a hash") is None
    assert any("paul has no password" in note for note in report.notes)


def test_the_first_admin_stays_who_it_is(opened: Store, admin: Account, original: Original) -> None:
    """By its registry: it gets the sessions, and nobody logs in with what was known there."""
    report = run(opened, original)
    assert opened.account_by_name("root") is None and opened.account_by_key("old admin") is None
    assert [record.id for record in opened.sessions_of(admin)] == ["shop"]
    assert any("first admin (root there)" in note for note in report.notes)


def test_sessions_wait_for_a_scan(opened: Store, admin: Account, original: Original) -> None:
    """With their receivers, and without being started in vain."""
    run(opened, original)
    record = opened.session("shop")
    assert record is not None
    assert (record.auto_start, record.state, "original" in (record.reason or "")) == (False, "logged_out", True)
    endpoint = opened.endpoints.of_config(record.ulid)
    assert (endpoint.url, endpoint.secret, endpoint.state) == ("http://r/", "a-secret", "enabled")
    assert opened.endpoints.of_config(ulid(opened, "tina.1")).url == ""


def test_what_was_said(opened: Store, admin: Account, original: Original) -> None:
    """Chats, people and messages, in our words."""
    original.chat("shop", GROUP, name="Team", is_group=1, unread_count=3, last_message="hi", last_message_ts=5)
    original.chat("shop", ANI, ephemeral_expiry=86_400)
    original.contact("shop", ANI, phone="628111", name="Ani", notify="ani~", is_my_contact=1)
    original.contact("shop", "99@lid", phone="628333", notify="Citra")
    meta = {"reactions": [{"from": BUDI, "emoji": "\U0001f44d", "timestamp": 7}], "editEvents": [{"id": "x"}]}
    node = {"caption": "look", "mediaKey": {"type": "Buffer", "data": [1, 2]}, "fileSha256": {"0": 3, "1": 4}}
    raw = {"key": {"id": "A"}, "message": {"imageMessage": node}, "meta": meta, "starred": True, "status": 4}
    original.message(
        "shop", ANI, "A", from_me=1, message_type="imageMessage", body="([Image]) look", raw=json.dumps(raw)
    )
    gone = {"meta": {"deletedAt": 9, "messageBeforeDelete": {"conversation": "oops"}}}
    original.message(
        "shop", GROUP, "B", sender_jid="628111:4@s.whatsapp.net", message_type="system", raw=json.dumps(gone)
    )
    report = run(opened, original)
    session = ulid(opened, "shop")
    team, ani = (opened.chats.get(admin, session, jid) for jid in (GROUP, ANI))
    assert team and (team.name, team.is_group, team.unread) == ("Team", True, 3)
    assert ani and (ani.ephemeral, ani.last_message) == (86_400, "([Image]) look")
    person, hidden = (opened.contacts.find(admin, session, jid) for jid in (ANI, "628333@s.whatsapp.net"))
    assert person and (person.name, person.notify, person.is_my_contact) == ("Ani", "ani~", True)
    assert hidden and (hidden.jid, hidden.pn, hidden.lid) == ("99@lid", "628333@s.whatsapp.net", "99@lid")
    (sent,), (deleted,) = page(opened, admin, "shop"), page(opened, admin, "shop", GROUP)
    assert (sent.type, sent.is_media, sent.status, sent.starred, sent.edited) == ("image", True, "read", True, True)
    assert sent.raw["message"]["imageMessage"] == {"caption": "look", "mediaKey": "AQI=", "fileSha256": "AwQ="}
    assert sent.raw["meta"]["reactions"][0]["emoji"] == "\U0001f44d"
    assert (deleted.deleted, deleted.sender, deleted.status) == (True, ANI, "")
    assert report.new["sync_messages"] == 2 and not report.skipped


def test_run_again(opened: Store, admin: Account, original: Original) -> None:
    """Nothing is there twice, and what has happened since stays."""
    original.chat("shop", ANI, name="Ani", unread_count=5)
    original.contact("shop", ANI, name="Ani")
    original.messages("shop", ANI, PORTION + 10)
    first = run(opened, original)
    session = ulid(opened, "shop")
    opened.chats.put(session, [store.ChatNews(jid=ANI, name="Ani now", unread=0)])
    opened.contacts.put(session, [store.ContactNews(jid=ANI, name="Ani now")])
    opened.endpoints.change(admin, session, url="http://now/")
    opened.set_auto_start(admin, session, True)
    original.message("shop", ANI, "late")
    again = run(opened, original)
    assert first.new["sync_messages"] == PORTION + 10 and first.known["sync_messages"] == 0
    assert (again.new["sync_messages"], again.known["sync_messages"]) == (1, PORTION + 10)
    assert (again.new["sessions"], again.new["users"], again.new["sync_chats"], again.new["sync_contacts"]) == (0,) * 4
    assert opened.messages.count(admin, session) == PORTION + 11
    chat, contact = opened.chats.get(admin, session, ANI), opened.contacts.get(admin, session, ANI)
    assert chat and contact and (chat.name, chat.unread, contact.name) == ("Ani now", 0, "Ani now")
    record = opened.session("shop")
    assert record and record.auto_start and opened.endpoints.of_config(session).url == "http://now/"


def test_killed_half_way(opened: Store, admin: Account, original: Original) -> None:
    """The next run goes on."""
    original.messages("shop", ANI, 3 * PORTION)

    def kill(table: str, done: int, total: int) -> None:
        if (table, done) == ("sync_messages", PORTION):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Import(opened, original.path, dry=False, progress=kill).run()
    assert opened.messages.count(admin, ulid(opened, "shop")) == PORTION
    report = run(opened, original)
    assert (report.new["sync_messages"], report.known["sync_messages"]) == (2 * PORTION, PORTION)


def test_what_does_not_fit_is_left_out_and_said(opened: Store, admin: Account, original: Original) -> None:
    """Each with its reason; the rest comes."""
    original.user("", "nameless")
    original.user("OTHER", "boss")
    original.user("DEPENDS", "copy", api_key="the key")
    original.session("of-boss", "OTHER")
    original.session("no name", "admin")
    original.session("nobodys", "GONE")
    opened.create_session(admin, "tina.2")
    original.session("tina.2", "QWERTYUIOP")
    for session in ("deleted long ago", "of-boss"):
        original.message(session, ANI, "orphan")
        original.chat(session, ANI)
    original.message("shop", "", "no chat")
    original.message("shop", ANI, "")
    original.message("shop", ANI, "no time", timestamp_sec="yesterday")
    original.chat("shop", "nonsense")
    original.chat("shop", BUDI, unread_count="many")
    original.contact("shop", GROUP, is_group=1)
    original.message("shop", ANI, "fine")
    report = run(opened, original)
    reasons = {(table, reason): count for (table, reason), count in report.skipped.items()}
    assert reasons == {
        ("users", "no registry or no username"): 1,
        ("users", "the name boss is somebody else's here"): 1,
        ("users", "the key of copy is somebody else's here"): 1,
        ("sessions", "its owner is not here"): 2,
        ("sessions", "an id that is none"): 1,
        ("sessions", "the name tina.2 is taken here by somebody else"): 1,
        ("sync_chats", "of a session that is not there, or was left out"): 2,
        ("sync_chats", "no jid that is an address"): 1,
        ("sync_chats", "a unread_count that is no number"): 1,
        ("sync_contacts", "a group among the contacts"): 1,
        ("sync_messages", "of a session that is not there, or was left out"): 2,
        ("sync_messages", "no chat_jid that is an address"): 1,
        ("sync_messages", "no id"): 1,
        ("sync_messages", "a timestamp_sec that is no number"): 1,
    }
    assert [message.id for message in page(opened, admin, "shop")] == ["fine"]


@pytest.mark.parametrize(
    "raw",
    [
        "{broken", "[1]", "", None, "x" * 100_000, '{"message": 5, "meta": []}',
        '{"meta": {"reactions": {"a": 1}, "editEvents": [3], "deletedAt": "then", "pin": 4}}',
        '{"message": {"extendedTextMessage": {"contextInfo": "none"}}}', '{"status": "4", "starred": 0}',
    ],
)  # fmt: skip
def test_a_message_comes_whatever_its_raw(opened: Store, admin: Account, original: Original, raw: str | None) -> None:
    """Its text and time are worth keeping; what nobody can read is left out."""
    original.message(
        "shop", ANI, "A", raw=raw, body="nul \0 and \U0001f600", from_me=1, timestamp_sec=1_700_000_000_000
    )
    run(opened, original)
    (message,) = page(opened, admin, "shop")
    assert (message.body, message.ts, message.status) == ("nul \ufffd and \U0001f600", 1_700_000_000, "sent")
    assert isinstance(message.raw.get("meta", {}).get("reactions", []), list)


def test_a_dry_run_writes_nothing(opened: Store, admin: Account, original: Original) -> None:
    """And says the same as the real one."""
    original.messages("shop", ANI, 3)
    original.chat("shop", ANI)
    original.user("OTHER", "boss")
    dry = run(opened, original, dry=True)
    assert opened.account_by_name("tina") is None and opened.session("shop") is None
    real = run(opened, original)
    assert (dry.new, dry.known, dry.skipped) == (real.new, real.known, real.skipped)
    again = run(opened, original, dry=True)
    assert again.new.total() == 0 and again.known["sync_messages"] == 3


def test_the_file_stays_as_it_is(opened: Store, admin: Account, original: Original) -> None:
    """Also one that its program has left in the middle of something, and that nobody may write."""
    with closing(sqlite3.connect(original.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    original.path.chmod(0o400)
    before = original.path.read_bytes()
    run(opened, original)
    assert original.path.read_bytes() == before


@pytest.mark.parametrize("kind", ["nothing", "another database", "no database"])
def test_another_file(opened: Store, admin: Account, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other.sqlite"
    if kind == "another database":
        sqlite3.connect(path).execute("CREATE TABLE users (id)").connection.close()
    elif kind == "no database":
        path.write_bytes(b"not a database, but long enough to be taken for something" * 100)
    with pytest.raises(SetupError, match=str(path)):
        Import(opened, path, dry=False, progress=lambda *_: None).run()


def test_a_file_of_an_early_release(opened: Store, admin: Account, original: Original) -> None:
    """It knows neither chats nor secrets."""
    with closing(sqlite3.connect(original.path)) as connection, connection:
        for table in ("sync_chats", "sync_contacts", "sync_messages"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE sessions DROP COLUMN webhook_secret")
    assert run(opened, original).new["sessions"] == 2


@pytest.mark.usefixtures("meant")
def test_the_command(database: store.Database, original: Original) -> None:
    """It migrates first, tells how far it is, what came and what did not, and what to do next."""
    original.messages("shop", ANI, 3)
    original.message("gone", ANI, "orphan")

    def told(*options: str) -> str:
        return (
            CliRunner().invoke(db.db, ["import-original", str(original.path), *options], catch_exceptions=False).output
        )

    dry, real = told("--dry-run"), told()
    assert "WOULD COME" in dry and "CAME" in real and "sync_messages: 4 of 4" in real
    for output in (dry, real):
        assert "left out: 1 of sync_messages: of a session that is not there" in output
        assert "session create" in output and "stays who it is here" in output
    assert "a-secret" not in real and "scrypt" not in real
    assert store.open(database).session("shop") is not None


def test_the_same_file(original: Original, monkeypatch: pytest.MonkeyPatch) -> None:
    """The original's default is ours, too: nothing of it is changed."""
    monkeypatch.setenv("WAREST_DB_SQLITE_PATH", str(original.path))
    before = original.path.read_bytes()
    told = CliRunner().invoke(db.db, ["import-original", str(original.path)])
    assert told.exit_code == 1 and "WAREST_DATA_DIR" in told.output and original.path.read_bytes() == before
