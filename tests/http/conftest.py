import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from falcon import testing

from support.conformity import Conformity
from warest import accounts, commands, keys, store
from warest.bus import answered
from warest.config.house import House
from warest.config.settings import Settings
from warest.drivers.storage import Storage
from warest.http import app
from warest.http import sessions as http_sessions
from warest.http.resources import session_life, sessions
from warest.limits import Limits
from warest.store import Account, SessionRecord, Store

ADMIN_KEY, USER_KEY = "admin-key-of-the-tests", "user-key-of-the-tests"

Call = Callable[..., testing.Result]
Serve = Callable[..., None]


class CheckedClient(testing.TestClient):
    """Holds every JSON answer against the OpenAPI document of the application."""

    def __init__(self, application: app.App) -> None:
        super().__init__(application)
        self._conformity = Conformity("http", self._document)

    def simulate_request(self, method: str = "GET", path: str = "/", **options: Any) -> testing.Result:
        answer = super().simulate_request(method, path, **options)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        if is_json and method != "HEAD" and "content-encoding" not in answer.headers:
            self._conformity.check(method, path, answer.status_code, answer.json)
        return answer

    def _document(self) -> Any:
        headers = {"X-WAREST-API-KEY": ADMIN_KEY}
        return super().simulate_request("GET", "/docs/openapi.json", headers=headers).json


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No QR will come here: nobody waits long for one."""
    monkeypatch.setattr(sessions, "NEW_QR_PATIENCE", 0.02)
    monkeypatch.setattr(sessions, "KNOWN_QR_PATIENCE", 0.02)
    monkeypatch.setattr(session_life, "PAIR_PATIENCE", 0.02)
    monkeypatch.setattr(http_sessions, "BACK_PATIENCE", 0.02)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with its admin, to be copied: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "warest.sqlite"
    store.migrate(store.Sqlite(path))
    accounts.seed_admin(store.open(store.Sqlite(path)), "admin", "a password", ADMIN_KEY)
    return path


@pytest.fixture
def opened(settings: Settings, template: Path) -> Store:
    settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(settings.sqlite_path)) as copy:
        source.backup(copy)
    return store.open(store.Sqlite(settings.sqlite_path))


@pytest.fixture
def application(opened: Store, parts: House, files: Storage, limits: Limits) -> Callable[..., testing.TestClient]:
    """The real application, on a real store and a real Redis, with settings of one's own."""

    def make(**changed: Any) -> testing.TestClient:
        mine = dataclasses.replace(parts, settings=parts.settings.model_copy(update=changed))
        return CheckedClient(app.create_app(mine, opened, files, limits, admin_key=ADMIN_KEY))

    return make


@pytest.fixture
def client(application: Callable[..., testing.TestClient]) -> testing.TestClient:
    return application()


@pytest.fixture
def call(client: testing.TestClient) -> Call:
    """One request with the admin's key, unless `key` says otherwise; the path is below /api/v1."""

    def one(method: str, path: str, *, key: str | None = ADMIN_KEY, **options: Any) -> testing.Result:
        headers = {**({"X-WAREST-API-KEY": key} if key else {}), **options.pop("headers", {})}
        whole = path if path.startswith(("/docs", "/api", "/API", "/storage", "/metrics")) else f"/api/v1{path}"
        return client.simulate_request(method, whole, headers=headers, **options)

    return one


@pytest.fixture
def admin_headers() -> dict[str, str]:
    return {"X-WAREST-API-KEY": ADMIN_KEY}


@pytest.fixture
def admin(opened: Store) -> Account:
    account = opened.account_by_key(ADMIN_KEY)
    assert account is not None
    return account


@pytest.fixture
def user(opened: Store) -> Account:
    """Another tenant."""
    return opened.users.add("TENANT", "user", "x", first_key=USER_KEY).account


@pytest.fixture
def online(opened: Store, parts: House) -> Callable[[Account, str], SessionRecord]:
    """A session whose process says that it is open."""

    def make(owner: Account, name: str) -> SessionRecord:
        record = opened.create_session(owner, name)
        me = {"id": "628111:2@s.whatsapp.net", "name": "Ani", "lid": "9@lid"}
        parts.states.put(record.ulid, state="open", me=me, connected_ms=1_700_000_000_000)
        return record

    return make


@pytest.fixture
def serve(parts: House) -> Iterator[Serve]:
    """The process at the other end of a queue: an actor of this name that answers with a function."""
    workers: dict[str, dramatiq.Worker] = {}

    def start(queue: str, actor: str, answer: Callable[..., Any]) -> None:
        def run(**order: Any) -> Any:
            return answer(**order)

        dramatiq.actor(actor_name=actor, queue_name=queue, broker=parts.broker, store_results=True)(run)
        if queue not in workers:
            workers[queue] = dramatiq.Worker(parts.broker, queues={queue}, worker_threads=2, worker_timeout=50)
            workers[queue].start()

    yield start
    for worker in workers.values():
        worker.stop(timeout=5000)


@pytest.fixture
def session_answers(serve: Serve) -> Callable[[SessionRecord, Callable[..., Any]], None]:
    return lambda record, answer: serve(keys.command_queue(record.ulid), "execute", answer)


@pytest.fixture
def commands_sent(
    online: Callable[[Account, str], SessionRecord], admin: Account, session_answers: Callable[..., None]
) -> Callable[[type[commands.Outgoing]], list[Any]]:
    """Has the process of the session `s` send what comes to it, all of one kind; the list of it grows meanwhile."""

    def collect(kind: type[commands.Outgoing]) -> list[Any]:
        seen: list[Any] = []

        def execute(command_id: str, command: dict[str, Any]) -> Any:
            seen.append(order := commands.decode(command))
            assert isinstance(order, kind)
            sent = {"to_pn": None, "to_lid": None, "message_id": "3EB0", "timestamp": 5, "sender": "628111"}
            return answered([{**sent, "to": to} for to in order.to])

        session_answers(online(admin, "s"), execute)
        return seen

    return collect
