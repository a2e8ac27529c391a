"""One try at a receiver: what goes out, and what is made of the answer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from support.receiver import Receiver
from warest import webhooks
from warest.events import SessionIdentity
from warest.receivers import Outcome, Receivers, Target
from warest.store import Secrets
from warest.webhooks import Delivery, Verdict

Make = Callable[..., Receivers]

IDENTITY = SessionIdentity("01ULID", "s", "s", "registry", "somebody")

DELIVERY = Delivery("evt_1", "call", 1_700_000_000_000, b'{"ts":1700000000000}', 1_700_000_000_000)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def receivers() -> Iterator[Callable[..., Receivers]]:
    with ExitStack() as stack:

        def make(networks: str = "allow", *, sha2: str = "256", seconds: float = 5.0) -> Receivers:
            made = Receivers(networks, sha2=sha2, seconds=seconds, preflight_seconds=seconds)
            stack.callback(made.close)
            return made

        yield make


def target(url: str, *former: Secrets, is_trusted: bool = False) -> Target:
    newest = Secrets(secret="a secret", standard=webhooks.new_standard_secret())
    return Target(endpoint="e", identity=IDENTITY, url=url, secrets=(newest, *former), is_trusted=is_trusted)


def test_what_goes_out(receivers: Make, receiver: Receiver) -> None:
    """The contract's headers, in its algorithm, and those of Standard Webhooks; of former secrets there are none."""
    outcome = receivers(sha2="512").deliver(target(receiver.url), DELIVERY, 3)
    assert (outcome.verdict, outcome.status, outcome.error, outcome.wait) == (Verdict.DELIVERED, 200, "", 0.0)
    (got,) = receiver.received
    assert got.headers["X-WAREST-Signature-Alg"] == "HMAC-SHA512" and got.is_signed_with("a secret")
    assert got.headers["X-WAREST-Delivery-Attempt"] == "3" and got.headers["webhook-id"] == "evt_1"
    assert "X-WAREST-Signature-Previous" not in got.headers and got.body == DELIVERY.body


@pytest.mark.parametrize(
    ("networks", "is_trusted", "verdict"),
    [
        ("auto", True, Verdict.DELIVERED),
        ("auto", False, Verdict.NEVER),
        ("deny", True, Verdict.NEVER),
        ("allow", False, Verdict.DELIVERED),
        ("127.0.0.0/8", False, Verdict.DELIVERED),
        ("10.0.0.0/8", True, Verdict.NEVER),
    ],
)
def test_private_receivers(
    receivers: Make, receiver: Receiver, networks: str, is_trusted: bool, verdict: Verdict
) -> None:
    """Whose session it is matters unless the settings say otherwise (decision 35, S4)."""
    outcome = receivers(networks).deliver(target(receiver.url, is_trusted=is_trusted), DELIVERY, 1)
    assert outcome.verdict is verdict
    assert len(receiver.received) == (verdict is Verdict.DELIVERED)
    if verdict is Verdict.NEVER:
        assert "WAREST_WEBHOOK_PRIVATE_NETWORKS" in outcome.error and outcome.status is None


def test_preflights_look_at_addresses_too(receivers: Make, receiver: Receiver) -> None:
    """Else they would tell whoever asks which ports are open here (S4)."""
    told = receivers("auto").preflight(target(receiver.url))
    assert (told["target"], told["ok"], "status" in told) == (receiver.url, False, False)
    assert receiver.received == []


def test_one_that_does_not_answer(receivers: Make, receiver: Receiver) -> None:
    """May the next time."""
    receiver.delay = 1.0
    outcome = receivers(seconds=0.2).deliver(target(receiver.url), DELIVERY, 1)
    assert (outcome.verdict, outcome.status) == (Verdict.RETRY, None) and "within 0.2 s" in outcome.error
    assert 0.1 < outcome.seconds < 1


def test_what_is_no_url(receivers: Make) -> None:
    """Is refused for good, and told as it is."""
    outcome = receivers().deliver(target("no url"), DELIVERY, 1)
    assert outcome.verdict is Verdict.NEVER and "https://" in outcome.error


def test_the_answer_of_one_that_fails(receivers: Make, receiver: Receiver) -> None:
    """The beginning of it, and how long it wants to be left alone."""
    receiver.status, receiver.headers, receiver.answer = 503, {"Retry-After": "7"}, b"x" * 50_000
    outcome = receivers().deliver(target(receiver.url), DELIVERY, 1)
    assert (outcome.verdict, outcome.status, outcome.wait) == (Verdict.RETRY, 503, 7.0)
    assert outcome.error == "HTTP 503" and set(outcome.excerpt) == {"x"} and len(outcome.excerpt) <= 4_000


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"actions":[{"type":"noop"}],"delayMs":5}', ([{"type": "noop"}], 5)),
        (b'{"ok":true,"actions":[1]}', ([1], None)),
        (b'{"actions":[1],"delayMs":"5"}', ([1], None)),
        (b'{"actions":{}}', ([], None)),
        (b'["actions"]', ([], None)),
        (b'{"actions":[', ([], None)),
        (b"thanks", ([], None)),
        (b"", ([], None)),
    ],
)
def test_actions(answer: bytes, expected: object) -> None:
    """Whatever the receiver says its answer is; what is not as agreed is none."""
    assert Outcome(verdict=Verdict.DELIVERED, status=200, seconds=0.1, answer=answer).actions == expected


def test_who_refuses_gets_nothing_done() -> None:
    """Actions in an error are not carried out."""
    answer = b'{"actions":[{"type":"noop"}]}'
    assert Outcome(verdict=Verdict.RETRY, status=500, seconds=0.1, answer=answer).actions == ([], None)
