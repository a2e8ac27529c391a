"""What the server says of itself, with all its processes, and that it restarts them without losing a session."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.product import Product, running
from support.waiting import eventually
from warest.states import SessionState

ANI, BUDI = "628130008001", "628130008002"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One for all."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.link("ani", ANI)
        product.link("budi", BUDI)
        yield product


def info(product: Product) -> Any:
    return product.api("GET", "/server/info")["results"][0]


def test_everything_is_well(product: Product) -> None:
    """With all processes there, and sessions online."""
    eventually(lambda: product.api("GET", "/server/healthz")["code"] == 1000)
    services = product.api("GET", "/server/healthz")["results"][0]["services"]
    assert {each for each in services.values() if isinstance(each, str)} == {"ok"}
    assert product.api("GET", "/server/ready")["results"][0]["ready"] is True
    told = info(product)
    assert told["sessions"] == {"total": 2, "byStatus": {"open": 2}}
    assert {"web", "worker", "sessions"} <= {process["kind"] for process in told["processes"]}


def test_metrics_of_all_processes(product: Product) -> None:
    """Also of sessions, which tell what they have worked on."""
    product.send("ani", BUDI, "counted")

    def kinds() -> set[str]:
        text = product.http.get(
            f"http://127.0.0.1:{product.port}/metrics", headers={"Authorization": f"Bearer {product.key}"}
        ).text
        return {
            sample.labels["kind"]
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "warest_process_resident_memory_bytes"
        }

    eventually(lambda: kinds() == {"web", "worker", "sessions", "session"})


def test_a_restart(product: Product) -> None:
    """Every process is another one, and the sessions are online again without a QR, one after the other."""
    sessions = {name: product.session_pid(name) for name in ("ani", "budi")}
    before = info(product)
    (worker,) = [each for each in before["processes"] if each["kind"] == "worker"]
    seen: list[list[SessionState]] = []

    def looked() -> list[SessionState]:
        seen.append([product.state(name) for name in sessions])
        return seen[-1]

    def is_new_and_open(state: SessionState) -> bool:
        return state.is_open and state.pid not in sessions.values()

    def is_old(states: list[SessionState]) -> bool:
        return any(state.is_open and state.pid in sessions.values() for state in states)

    ordered = product.api("POST", "/server/restart", json={"delaySeconds": 1.5, "reason": "a test"})
    assert (ordered["code"], ordered["results"][0]["restartInitiated"]) == (1003, True)
    assert product.api("POST", "/server/restart")["code"] == 1005

    eventually(lambda: all(is_new_and_open(each) for each in looked()), what="new processes of both sessions")
    assert any({*map(is_new_and_open, both)} == {True, False} and is_old(both) for both in seen), "not one by one"

    eventually(lambda: info(product)["process"]["pid"] != before["process"]["pid"], what="a new web process")

    def is_new(process: dict[str, Any]) -> bool:
        return bool(process["kind"] == "worker" and process["startedAt"] > worker["startedAt"])

    eventually(lambda: any(map(is_new, info(product)["processes"])), what="a new worker")
    assert product.send("ani", BUDI, "still here")["code"] == 1000
    eventually(lambda: product.phone_has(BUDI, "still here"))
