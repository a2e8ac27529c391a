"""Texts between phones and real sessions, with receipts, and the questions that come before them."""

import pytest

from sandbox.harness import Client, SandboxProcess, Start
from support.waiting import eventually

ANI, BUDI = "628110000001", "628110000002"


@pytest.fixture(autouse=True)
def phones(sandbox: SandboxProcess) -> None:
    sandbox.phone(ANI, "Ani")
    sandbox.phone(BUDI, "Budi")


def wait_for_name(session: Client, name: str) -> None:
    """Until the session has it from the app state; without a name it cannot be available."""
    eventually(lambda: bool(session.call("me") == name), what=f"the session is called {name}")


def test_a_phone_and_a_session_text_each_other(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    sandbox.send(BUDI, ANI, "halo Ani")
    received = session.wait("message", text="halo Ani")
    assert received["name"] == "Budi"
    assert not received["fromMe"]

    sent = session.send(BUDI, "halo Budi")
    shown = sandbox.wait_text(BUDI, "halo Budi")
    assert shown | {"seq": 0, "timestamp": 0} == {
        "seq": 0,
        "kind": "text",
        "text": "halo Budi",
        "from": ANI,
        "to": BUDI,
        "id": sent,
        "timestamp": 0,
        "fromMe": False,
    }
    # The session's own phone shows it too, and knows that it has arrived.
    assert sandbox.wait_text(ANI, "halo Budi")["fromMe"]
    session.wait("receipt", ids=[sent])


def test_two_sessions_text_each_other(sandbox: SandboxProcess, client: Start) -> None:
    ani, budi = client("ani"), client("budi")
    ani.link(ANI)
    budi.link(BUDI)
    for number in range(3):
        sent = ani.send(BUDI, f"ping {number}")
        assert budi.wait("message", text=f"ping {number}")["id"] == sent
        ani.wait("receipt", ids=[sent])
        budi.send(ANI, f"pong {number}")
        ani.wait("message", text=f"pong {number}")
    assert sandbox.texts(ANI) == sandbox.texts(BUDI) == ["ping 0", "pong 0", "ping 1", "pong 1", "ping 2", "pong 2"]


def test_every_device_of_both_accounts_gets_a_text(sandbox: SandboxProcess, client: Start) -> None:
    first, budi = client("first"), client("budi")
    first.link(ANI)
    budi.link(BUDI)
    budi.send(ANI, "to one session")
    # A device that is linked later must be told of to those who know the old list.
    second = client("second").link(ANI)
    budi.send(ANI, "to both")
    assert first.wait("message", text="to both")
    assert second.wait("message", text="to both")
    first.send(BUDI, "from the first")
    assert second.wait("message", text="from the first")["fromMe"]
    sandbox.send(ANI, BUDI, "from the phone")
    assert first.wait("message", text="from the phone")["fromMe"]
    assert second.wait("message", text="from the phone")["fromMe"]
    assert budi.wait("message", text="from the phone")


def test_a_read_receipt_reaches_the_sender(sandbox: SandboxProcess, client: Start) -> None:
    ani, budi = client("ani"), client("budi")
    ani.link(ANI)
    budi.link(BUDI)
    sent = ani.send(BUDI, "read me")
    budi.wait("message", id=sent)
    budi.call("read", id=sent, chat=ANI)
    ani.wait("receipt", ids=[sent], type=4)
    by_phone = sandbox.send(ANI, BUDI, "read me too")
    budi.wait("message", id=by_phone)
    budi.call("read", id=by_phone, chat=ANI)
    eventually(
        lambda: [m["status"] for m in sandbox.get(f"/phones/{ANI}/messages")] == ["read", "read"], what="both are read"
    )


def test_a_session_texts_itself(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    session.send(ANI, "note to self")
    assert sandbox.wait_text(ANI, "note to self")["to"] == ANI
    sandbox.send(ANI, ANI, "note from the phone")
    assert session.wait("message", text="note from the phone")["fromMe"]


def test_an_unknown_number_is_an_error(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    session.order("send", to="628119999999", text="anybody?")
    assert "no LID found" in session.wait("failed")["error"]
    assert session.call("on_whatsapp", number=BUDI) == [True]
    assert session.call("on_whatsapp", number="628119999999") == [False]


def test_a_session_takes_over_the_name_of_its_phone(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    wait_for_name(session, "Ani")
    session.call("available")


def test_a_session_sets_its_name(sandbox: SandboxProcess, client: Start) -> None:
    session, other = client("first"), client("second")
    session.link(ANI)
    other.link(ANI)
    wait_for_name(session, "Ani")
    session.call("name", name="Ani the bot")
    session.call("available")
    eventually(lambda: sandbox.get("/phones")[0]["name"] == "Ani the bot", what="the network knows the name")
    wait_for_name(other, "Ani the bot")


def test_a_new_session_is_told_the_history_of_its_phone(sandbox: SandboxProcess, client: Start) -> None:
    before = [sandbox.send(BUDI, ANI, "before"), sandbox.send(ANI, BUDI, "you were linked")]
    session = client("ani").link(ANI)
    assert session.wait("history")["chats"] == {f"{BUDI}@s.whatsapp.net": before[::-1]}
    session.kill()
    again = client("ani")
    again.wait("connected")
    sandbox.send(BUDI, ANI, "after")
    again.wait("message", text="after")
    assert not [fact for fact in again.facts if fact["kind"] == "history"]


def test_a_session_tells_about_itself(sandbox: SandboxProcess, client: Start) -> None:
    ani, budi = client("ani"), client("budi")
    ani.link(ANI)
    budi.link(BUDI)
    ani.call("about", text="On holiday until Monday")
    # The phone is a device, too. Nobody here has a picture.
    assert budi.call("info", of=ANI) == [{"about": "On holiday until Monday", "picture": "", "devices": 2}]
    assert budi.call("info", of="628119999999") == [{"about": "", "picture": "", "devices": 0}]


def test_presence_and_typing_reach_the_other_session(sandbox: SandboxProcess, client: Start) -> None:
    ani, budi = client("ani"), client("budi")
    ani.link(ANI)
    budi.link(BUDI)
    for session, name in ((ani, "Ani"), (budi, "Budi")):
        wait_for_name(session, name)
        session.call("available")
    ani.call("subscribe", to=BUDI)
    assert not ani.wait("presence")["gone"]
    budi.call("type", to=ANI)
    ani.wait("typing")
    budi.call("unavailable")
    assert ani.wait("presence")["gone"]
    budi.call("available")
    assert not ani.wait("presence")["gone"]
    budi.kill()
    assert ani.wait("presence")["gone"]


def test_what_nobody_has_is_no_violation(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    assert session.call("blocklist") == 0
    session.order("picture", of=BUDI)
    session.wait("failed")


def test_a_burst_of_texts_arrives_in_order(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    texts = [f"text {number}" for number in range(500)]
    for text in texts:
        sandbox.send(BUDI, ANI, text)
    assert [session.wait("message", protocol=False)["text"] for _ in texts] == texts
