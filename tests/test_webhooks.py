"""What a receiver gets, and when it gets it again."""

import base64
import hashlib
import hmac
import itertools

import orjson
import pytest

from warest import events, webhooks
from warest.webhooks import Verdict

IDENTITY = events.SessionIdentity("01ULID", "my.session", "my label", "registry", "Jürgen")
EVENT = events.make(IDENTITY, "message_received", {"text": "hi", "n": 1.0e-6}, event_id="evt_1", ts_ms=1700000000000)
DELIVERY = webhooks.Delivery(EVENT.id, EVENT.name, EVENT.ts_ms, EVENT.body, EVENT.ts_ms)


@pytest.mark.parametrize("sha2", ["224", "256", "384", "512"])
def test_the_signature_is_the_contracts(sha2: str) -> None:
    """HMAC over the body's bytes under secret + username in UTF-8, lower-case hex behind the algorithm (W7)."""
    expected = hmac.new("secretJürgen".encode(), DELIVERY.body, getattr(hashlib, f"sha{sha2}")).hexdigest()
    assert webhooks.signature("secret", "Jürgen", DELIVERY.body, sha2) == f"HMAC-SHA{sha2}={expected}"


def test_a_signature_that_was_computed_elsewhere() -> None:
    """`printf '{}' | openssl dgst -sha256 -hmac secretadmin`."""
    known = "f96778ca4d602e369016c6bef92c6ff5a66451dfd41790481d3433f2238d5940"
    assert webhooks.signature("secret", "admin", b"{}") == f"HMAC-SHA256={known}"


def test_headers_of_a_delivery() -> None:
    """All of them, in the casing that PHP receivers compare, and in no other."""
    headers = webhooks.headers(DELIVERY, IDENTITY, "secret", attempt=3)
    agent = headers.pop("User-Agent")
    assert agent.startswith("WAREst/1 (webhook) Python/3.")
    assert headers == {
        "Content-Type": "application/json",
        "X-WAREST-Signature": webhooks.signature("secret", "Jürgen", DELIVERY.body),
        "X-WAREST-Signature-Alg": "HMAC-SHA256",
        "X-WAREST-Timestamp": "1700000000000",
        "X-WAREST-Event": "message_received",
        "X-WAREST-Event-Id": "evt_1",
        "X-WAREST-Session": "my.session",
        "X-WAREST-Registry": "registry",
        "X-WAREST-Label": "my label",
        "X-WAREST-Username": "Jürgen",
        "X-WAREST-Version": "1",
        "X-WAREST-Delivery-Attempt": "3",
    }


def test_headers_of_a_preflight() -> None:
    """It says that it is one, and has neither an event id nor an attempt; what is empty is left out."""
    ping = webhooks.Delivery("", "preflight", 5, b"{}", 5)
    nobody = events.SessionIdentity("01ULID", "s", "", "", "")
    headers = webhooks.headers(ping, nobody, "secret", sha2="512")
    assert headers["X-WAREST-Preflight"] == "1" and headers["X-WAREST-Signature-Alg"] == "HMAC-SHA512"
    assert headers["User-Agent"].startswith("WAREst/1 (preflight) Python/3.")
    left_out = {"Event-Id", "Delivery-Attempt", "Label", "Registry", "Username"}
    assert not {f"X-WAREST-{name}" for name in left_out} & set(headers)


def test_a_restamped_event_differs_in_its_time_only() -> None:
    """Same id, same bytes but for `ts`: JavaScript's form is kept."""
    again = DELIVERY.restamped(1800000000000)
    assert again.body == DELIVERY.body.replace(b'"ts":1700000000000', b'"ts":1800000000000')
    assert (again.event_id, again.event, again.ts_ms) == ("evt_1", "message_received", 1800000000000)
    assert again.made_ms == DELIVERY.made_ms
    assert orjson.loads(again.body)["ts"] == again.ts_ms


def test_the_schedule() -> None:
    """0.8, 1.6 and 3.2 s, then nine long waits over 75 hours, then the end."""
    schedule = webhooks.Schedule(retries=3, backoff=0.8, jitter=0)
    waits = list(itertools.takewhile(lambda wait: wait is not None, map(schedule.delay, itertools.count(1))))
    assert waits == [0.8, 1.6, 3.2, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert sum(wait or 0 for wait in waits[3:]) == pytest.approx(75 * 3600 + 35 * 60 + 5)
    assert schedule.delay(13) is None and schedule.delay(99) is None


def test_jitter_only_adds() -> None:
    """Each wait is its time and up to `jitter` more."""
    schedule = webhooks.Schedule(retries=1, backoff=1, jitter=0.5)
    waits = [schedule.delay(1) or 0 for _ in range(200)]
    assert min(waits) >= 1 and max(waits) <= 1.5 and len(set(waits)) > 100


def test_without_fast_retries_the_long_schedule_begins_at_once() -> None:
    """WAREST_WEBHOOK_RETRIES=0."""
    schedule = webhooks.Schedule(retries=0, backoff=1, jitter=0)
    assert schedule.delay(1) == 5 and schedule.is_fast(1) and not schedule.is_fast(2)


def test_which_attempts_repeat_the_bytes() -> None:
    """The first and the fast retries; later ones are signed afresh (decision 32)."""
    schedule = webhooks.Schedule(retries=3, backoff=1, jitter=0)
    assert [attempt for attempt in range(1, 10) if schedule.is_fast(attempt)] == [1, 2, 3, 4]


def test_what_an_answer_means() -> None:
    """2xx has it; too many requests and its own trouble are worth another try; a redirect is no answer."""
    meant = {
        verdict: [status for status in range(100, 600) if webhooks.verdict(status) is verdict] for verdict in Verdict
    }
    assert meant[Verdict.DELIVERED] == [*range(200, 300)]
    assert meant[Verdict.RETRY] == [429, *range(500, 600)]
    assert meant[Verdict.REFUSED] == [401, 403] and meant[Verdict.GONE] == [404, 410]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0), ("120", 120), (" 7 ", 7), ("-1", 0), ("1.5", 0), ("soon", 0), ("99999999999999999999", 86_400),
        ("Thu, 01 Jan 1970 00:17:40 GMT", 60), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Fri, 99 Jan 1970", 0),
    ],
)  # fmt: skip
def test_how_long_a_receiver_wants_to_be_left_alone(header: str, seconds: float) -> None:
    """In seconds or as a date, a day at most; what is neither is nothing."""
    assert webhooks.retry_after(header, now=1000.0) == seconds


def test_a_standard_signature_that_was_computed_elsewhere() -> None:
    """`printf 'evt_1.1700000000.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102030405 -binary | base64`."""
    secret = "whsec_AAECAwQF"
    known = "v1,vcE0bnjgzLFqlkWSqD31OXOz8ENuOLTc7F/paJCgR70="
    assert webhooks.standard_signature(secret, "evt_1", 1700000000, b"{}") == known


def test_standard_headers() -> None:
    """Under the event's id, signed with each secret that is alive; a new secret is 24 random bytes."""
    secrets = [webhooks.new_standard_secret() for _ in range(2)]
    assert secrets[0] != secrets[1] and all(
        len(base64.b64decode(each.removeprefix("whsec_"))) == 24 for each in secrets
    )
    headers = webhooks.standard_headers(DELIVERY, secrets, 1700000001)
    signatures = [webhooks.standard_signature(each, "evt_1", 1700000001, DELIVERY.body) for each in secrets]
    assert headers == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1700000001",
        "webhook-signature": " ".join(signatures),
    }
