"""When an endpoint is left alone, and when it is not any more."""

import time

import pytest

from warest import keys
from warest.circuits import FAILURES, PAUSE, Circuits
from warest.config.house import House


@pytest.fixture
def circuits(parts: House) -> Circuits:
    return Circuits(parts.redis)


def test_five_failures_in_a_row(circuits: Circuits) -> None:
    """Open it for a minute; one that answers begins anew."""
    for number in range(1, FAILURES):
        circuit = circuits.failed("e")
        assert (circuit.failures, circuit.is_open) == (number, False)
    circuit = circuits.failed("e")
    assert circuit.is_open and abs(circuit.open_until - time.time() - PAUSE) < 5
    assert circuits.get("e") == circuit and circuits.get_many(["x", "e"])[1] == circuit
    assert abs(circuit.since - time.time()) < 5
    assert circuits.forget("e") and not circuits.forget("e")
    assert (circuits.get("e").failures, circuits.get("e").is_open) == (0, False)


def test_some_answers_open_it_at_once(circuits: Circuits) -> None:
    """For longer, and a shorter pause does not end a longer one."""
    assert circuits.failed("e", pause=900, at_once=True).is_open
    for _ in range(FAILURES):
        circuit = circuits.failed("e")
    assert circuit.open_until - time.time() > 800


def test_after_the_pause_one_failure_is_enough(circuits: Circuits, parts: House) -> None:
    """What is let through then decides."""
    for _ in range(FAILURES):
        circuits.failed("e")
    parts.redis.hset(keys.circuit("e"), "open_until", time.time() - 1)
    assert not circuits.get("e").is_open
    assert circuits.failed("e").is_open


def test_it_is_forgotten_some_day(circuits: Circuits, parts: House) -> None:
    """Nothing stays in Redis for ever."""
    circuits.failed("e")
    ttl = parts.redis.ttl(keys.circuit("e"))
    assert isinstance(ttl, int) and 0 < ttl <= 10 * 24 * 3600
