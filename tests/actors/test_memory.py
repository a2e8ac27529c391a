"""The states of the sessions outlive a Redis that has lost everything."""

import pytest

from warest import keys
from warest.actors.memory import StateMemory
from warest.config.house import House
from warest.states import SessionState
from warest.store import SessionRecord, Store

ME = {"id": "628111:2@s.whatsapp.net", "name": "Ani", "lid": "9@lid"}


@pytest.fixture
def memory(parts: House, opened: Store) -> StateMemory:
    return StateMemory(parts.redis, parts.states, opened)


@pytest.fixture
def record(opened: Store) -> SessionRecord:
    owner = opened.account("admin")
    assert owner is not None
    return opened.create_session(owner, "s")


def after_a_loss(parts: House, opened: Store, record: SessionRecord) -> SessionState:
    parts.redis.flushdb()
    StateMemory(parts.redis, parts.states, opened).restore()
    return parts.states.get(record.ulid)


@pytest.mark.parametrize(
    ("was", "auto_start", "shown"),
    [("open", True, "starting"), ("qr", True, "starting"), ("open", False, "stopped"), ("replaced", False, "replaced")],
)
def test_what_needed_a_process_is_over(
    memory: StateMemory, parts: House, opened: Store, record: SessionRecord, was: str, auto_start: bool, shown: str
) -> None:
    parts.states.put(record.ulid, state=was, me=ME, connected_ms=5000)
    opened.set_auto_start(record.owner, record.ulid, auto_start)
    memory.remember([record.ulid])
    state = after_a_loss(parts, opened, record)
    assert (state.state, state.me, state.connected_ms) == (shown, ME, 5000)


def test_a_ban_is_remembered_with_its_end(
    memory: StateMemory, parts: House, opened: Store, record: SessionRecord
) -> None:
    parts.states.put(record.ulid, state="banned", reason="spam", until=123.5)
    memory.remember([record.ulid])
    state = after_a_loss(parts, opened, record)
    assert (state.state, state.reason, state.until) == ("banned", "spam", 123.5)


def test_an_unlinked_account_is_forgotten(
    memory: StateMemory, parts: House, opened: Store, record: SessionRecord
) -> None:
    parts.states.put(record.ulid, state="open", me=ME)
    memory.remember([record.ulid])
    parts.states.put(record.ulid, state="logged_out", me=None)
    memory.remember([record.ulid])
    assert after_a_loss(parts, opened, record).me is None


def test_what_redis_knows_is_left_alone(
    memory: StateMemory, parts: House, opened: Store, record: SessionRecord
) -> None:
    parts.states.put(record.ulid, state="banned")
    memory.remember([record.ulid])
    parts.states.put(record.ulid, state="stopped")
    memory.restore()
    assert parts.states.get(record.ulid).state == "stopped"
    assert parts.redis.exists(keys.STATES_RESTORED)


def test_only_what_changes_is_written(
    memory: StateMemory, parts: House, opened: Store, record: SessionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def write(ulid: str, **_: object) -> None:
        written.append(ulid)

    monkeypatch.setattr(opened, "remember_state", write)
    parts.states.put(record.ulid, state="open")
    for _ in range(3):
        memory.remember([record.ulid])
    parts.states.put(record.ulid, state="reconnecting")
    memory.remember([record.ulid])
    assert len(written) == 2


def test_a_deleted_session_is_no_trouble(memory: StateMemory, record: SessionRecord, opened: Store) -> None:
    opened.delete_session(record.owner, record.ulid)
    memory.remember([record.ulid])
