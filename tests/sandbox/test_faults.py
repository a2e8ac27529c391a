"""What the real neonize makes of each fault. The assertions are facts to build on: events, errors, and their words."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.harness import SandboxProcess, Start
from support.waiting import eventually
from warest.whatsapp import library

ANI, BUDI = "628110000001", "628110000002"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, tokens: library.Tokens) -> Iterator[SandboxProcess]:
    """One for all, because starting it takes longer than most of the tests."""
    process = SandboxProcess(tmp_path_factory.mktemp("faults") / "sandbox", tokens)
    process.phone(ANI, "Ani")
    process.phone(BUDI, "Budi")
    yield process
    process.close()


@pytest.fixture(autouse=True)
def healthy(sandbox: SandboxProcess) -> Iterator[None]:
    """After every test no fault waits, no session is linked, and nobody has violated the protocol."""
    yield
    sandbox.clear_faults()
    sandbox.http.delete(f"/phones/{ANI}/devices").raise_for_status()
    assert sandbox.get("/violations") == []


@pytest.mark.parametrize(
    ("reason", "fact"),
    [
        (401, {"kind": "logged_out", "login": True, "reason": "LOGGED_OUT"}),
        (402, {"kind": "banned", "code": "SENT_TOO_MANY_SAME_MESSAGE", "expire": 600}),
        (403, {"kind": "logged_out", "login": True, "reason": "MAIN_DEVICE_GONE"}),
        (405, {"kind": "outdated"}),
        (406, {"kind": "logged_out", "login": True, "reason": "UNKNOWN_LOGOUT"}),
        (409, {"kind": "connect_failure", "reason": "BAD_USER_AGENT", "message": ""}),
    ],
)
def test_a_login_that_fails_for_good(sandbox: SandboxProcess, client: Start, reason: int, fact: dict[str, Any]) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("login", ANI, reason=reason, code=104, expire=600, times=1)
    sandbox.fault("drop", ANI)
    session.wait("disconnected")
    session.wait(**fact)
    # The session in this process is over, but neonize's connect() does not come back and tells nobody.
    assert session.call("logged_in") is True
    assert sandbox.get("/faults") == []


def test_a_login_that_fails_for_now_is_tried_again(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("login", ANI, reason=503, times=1)
    sandbox.fault("drop", ANI)
    session.wait("disconnected")
    session.wait("disconnected")
    session.wait("connected")


def test_a_client_that_is_too_old_learns_it_before_a_qr(sandbox: SandboxProcess, client: Start) -> None:
    sandbox.fault("login", reason=405)
    session = client("ani")
    session.wait("pairing", status="err-client-outdated")
    assert not [fact for fact in session.facts if fact["kind"] in ("qr", "outdated")]


def test_a_drop_while_a_qr_is_shown_ends_its_round_at_once(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    session.wait("qr")
    sandbox.fault("drop")
    session.wait("pairing", status="timeout")


@pytest.mark.slow
def test_a_round_of_one_qr_ends_after_20_seconds(sandbox: SandboxProcess, client: Start) -> None:
    sandbox.fault("qr", references=1)
    session = client("ani")
    session.wait("qr")
    session.wait("pairing", status="timeout", within=30)


def test_a_ban_that_neonize_does_not_know_ends_its_events(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("login", ANI, reason=402, code=105)
    sandbox.fault("drop", ANI)
    assert session.wait("ended")["error"] == "NeonizeError: proto: required field neonize.TemporaryBan.Code not set"


def test_a_drop_is_followed_by_a_new_connection(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("drop", ANI)
    session.wait("disconnected")
    session.wait("connected")
    sandbox.send(BUDI, ANI, "after the drop")
    session.wait("message", text="after the drop")


def test_a_refused_connection_is_tried_again_but_for_the_first(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("refuse", times=1)
    sandbox.fault("drop", ANI)
    session.wait("disconnected")
    session.wait("connected")
    sandbox.fault("refuse")
    ended = client("budi").wait("ended")["error"]
    assert ended.startswith("NeonizeError: failed to dial whatsapp web websocket")


def test_a_replaced_session_stays_away(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("replaced", ANI)
    session.wait("replaced")
    assert len(sandbox.devices(ANI)) == 1
    client("ani").wait("connected")


def test_a_removed_device_is_logged_out(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("device_removed", ANI)
    session.wait("logged_out", login=False, reason="LOGGED_OUT")
    assert sandbox.devices(ANI) == []


def test_a_silent_server_is_waited_for(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("silent", ANI)
    sandbox.fault("drop", ANI)
    session.wait("disconnected")
    sandbox.send(BUDI, ANI, "in silence")
    eventually(lambda: session.call("connected"), what="the socket is open")
    assert session.call("logged_in") is True  # whatever the server says
    sandbox.clear_faults()
    session.wait("connected")
    session.wait("message", text="in silence")


@pytest.mark.slow
def test_a_server_that_falls_silent_is_noticed(sandbox: SandboxProcess, client: Start) -> None:
    """whatsmeow asks every 20 to 30 s and waits 10 s for the answer."""
    session = client("ani").link(ANI)
    sandbox.fault("silent", ANI)
    sandbox.send(BUDI, ANI, "in silence")
    session.wait("keepalive_timeout", errors=1, within=45)
    assert session.call("connected") is True
    assert not [fact for fact in session.facts if fact["kind"] == "message" and fact["text"]]
    sandbox.clear_faults()
    session.wait("message", text="in silence")


def test_a_slow_server_answers_late(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("slow", ANI, milliseconds=300)
    before = time.monotonic()
    texts = [f"text {number}" for number in range(20)]
    for text in texts:
        sandbox.send(BUDI, ANI, text)
    assert session.call("on_whatsapp", number=BUDI) == [True]
    assert time.monotonic() - before >= 0.3
    assert [session.wait("message", protocol=False)["text"] for _ in texts] == texts


def test_a_refused_message_is_an_error(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("error_ack", ANI, error=463)
    session.order("send", to=BUDI, text="refused")
    assert session.wait("failed")["error"] == "SendMessageError: server returned error 463"
    session.send(BUDI, "accepted")
    sandbox.wait_text(BUDI, "accepted")
    assert "refused" not in sandbox.texts(BUDI)


def test_a_message_without_an_ack_is_sent_again_under_its_id(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.fault("no_ack", ANI)
    session.order("send", to=BUDI, text="once")
    shown = sandbox.wait_text(BUDI, "once")
    assert not [fact for fact in session.facts if fact["kind"] == "done"]
    sandbox.fault("drop", ANI)
    assert session.wait("done")["result"] == shown["id"]
    assert sandbox.texts(BUDI).count("once") == 1


def test_an_unmapped_receipt_ends_the_events_of_who_asked_for_receipts(sandbox: SandboxProcess, client: Start) -> None:
    """Trap 5: neonize's event thread ends and the socket stays, so what comes now is acknowledged and lost."""
    session = client("ani").link(ANI)
    sandbox.fault("unmapped_receipt", ANI)
    assert session.wait("ended")["error"] == "NeonizeError: proto: required field neonize.Receipt.Type not set"
    assert session.call("connected") is True
    lost = sandbox.send(BUDI, ANI, "lost")
    eventually(
        lambda: [m["status"] for m in sandbox.get(f"/phones/{BUDI}/messages") if m["id"] == lost] == ["delivered"],
        what="whatsmeow has acknowledged the text",
    )
    assert not [fact for fact in session.facts if fact.get("text")]


def test_an_unmapped_receipt_does_nothing_to_who_did_not(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani", receipts=False).link(ANI)
    sandbox.fault("unmapped_receipt", ANI)
    sandbox.send(BUDI, ANI, "not lost")
    session.wait("message", text="not lost")
