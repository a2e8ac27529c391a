"""A session whose queue is full, and one that has no time for what it is asked (WAREST_QUEUE_...)."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest import commands, keys
from warest.bus import Bus
from warest.config.house import House
from warest.drivers.storage import Storage
from warest.http import app
from warest.limits import Limits
from warest.store import Account, SessionRecord, Store

ADMIN_KEY = "admin-key-of-the-tests"

TEXT = {"sessionId": "s", "to": "628222", "message": "hello"}


@pytest.fixture
def asked(
    parts: House, opened: Store, files: Storage, limits: Limits, admin: Account, online: Callable[..., SessionRecord]
) -> Callable[..., Any]:
    """A request about the session `s`, which nobody works for, with limits to its queue."""
    record = online(admin, "s")

    def make(**given: Any) -> Callable[..., testing.Result]:
        bus = Bus(parts.broker, parts.redis, parts.leases, **given)
        mine = dataclasses.replace(parts, bus=bus, settings=parts.settings.model_copy(update={"command_timeout": 3.0}))
        client = testing.TestClient(app.create_app(mine, opened, files, limits, admin_key=ADMIN_KEY))
        return lambda method, path, **options: client.simulate_request(
            method, f"/api/v1{path}", headers={"X-WAREST-API-KEY": ADMIN_KEY, **options.pop("headers", {})}, **options
        )

    for number in range(2):
        parts.bus.give(record.ulid, f"cmd_{number}", commands.SendText(to=("1@lid",), text="before"))
    return make


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("POST", "/messages/send/text", TEXT, {}),
        ("POST", "/messages/send/text", TEXT, {"Prefer": "respond-async"}),
        ("POST", "/messages/send/text", TEXT, {"Idempotency-Key": "a-key"}),
        ("POST", "/profile/presence", {"sessionId": "s", "presence": "available"}, {}),
        ("GET", "/groups?sessionId=s", None, {}),
    ],
)
def test_a_full_queue(
    asked: Callable[..., Any], parts: House, opened: Store, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    """429 with Retry-After; nothing is noted or ordered, so that it can be asked again, under the same key too."""
    answer = asked(most_waiting=2)(method, path, json=body, headers=headers)
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (429, 2402, "1")
    record = opened.session("s")
    assert record and parts.redis.xlen(keys.queue_stream(keys.command_queue(record.ulid))) == 2
    if headers.get("Idempotency-Key"):
        assert asked(most_waiting=3)(method, path, json=body, headers=headers).status_code == 202


def test_what_has_time_is_taken(asked: Callable[..., Any]) -> None:
    """A send for later is none that waits for the session."""
    answer = asked(most_waiting=2)("POST", "/messages/send/text", json={**TEXT, "sendAt": int(time.time()) + 600})
    assert answer.status_code == 202


def test_a_turn_that_does_not_come(asked: Callable[..., Any], opened: Store, admin: Account) -> None:
    """504: it was not sent, and will not be; its record says so."""
    answer = asked(turn_timeout=1.0)("POST", "/messages/send/text", json=TEXT, headers={"Idempotency-Key": "a-key"})
    assert (answer.status_code, answer.json["code"]) == (504, 8002)
    again = asked()("POST", "/messages/send/text", json=TEXT, headers={"Idempotency-Key": "a-key"})
    assert (again.status_code, again.json["message"]) == (504, answer.json["message"])
