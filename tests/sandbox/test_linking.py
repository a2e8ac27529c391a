"""Linking and unlinking sessions."""

import httpx
import pytest

from sandbox.harness import SandboxProcess, Start
from support.waiting import eventually

ANI, BUDI = "628110000001", "628110000002"


@pytest.fixture(autouse=True)
def phones(sandbox: SandboxProcess) -> None:
    sandbox.phone(ANI, "Ani")


def scan(sandbox: SandboxProcess, qr: str, phone: str = ANI) -> httpx.Response:
    return sandbox.http.post(f"/phones/{phone}/scan", json={"qr": qr})


def test_a_scan_links_the_session_that_shows_the_qr(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    qr = session.wait("qr")["qr"]
    assert scan(sandbox, qr, "628119999999").status_code == 404
    linked = scan(sandbox, qr)
    lid = sandbox.get("/phones")[0]["lid"].removesuffix("@lid")
    assert linked.json() == {"jid": f"{ANI}:1@s.whatsapp.net", "lid": f"{lid}:1@lid", "device": 1}
    session.wait("connected")
    eventually(lambda: sandbox.devices(ANI)[0]["online"], what="the device is online")
    again = scan(sandbox, qr)
    assert again.status_code == 404
    assert "any more" in again.json()["error"]


def test_the_qr_of_a_session_that_has_gone_is_worthless(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    qr = session.wait("qr")["qr"]
    session.kill()
    eventually(lambda: scan(sandbox, qr).status_code == 404, what="the QR is refused")
    assert scan(sandbox, "https://wa.me/settings/linked_devices#nonsense").status_code == 400


def test_keys_that_do_not_fit_the_reference_are_refused(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    reference, noise, identity, *rest = session.wait("qr")["qr"].split(",")
    assert scan(sandbox, ",".join([reference, identity, noise, *rest])).status_code == 400
    assert scan(sandbox, ",".join([reference, noise, identity, *rest])).status_code == 200


def test_a_phone_unlinks_its_sessions(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    assert sandbox.http.delete(f"/phones/{ANI}/devices").json() == {"unlinked": [1]}
    session.wait("logged_out")
    assert sandbox.devices(ANI) == []


def test_others_text_on_when_a_session_is_unlinked_and_another_linked(sandbox: SandboxProcess, client: Start) -> None:
    sandbox.phone(BUDI, "Budi")
    ani, first = client("ani"), client("first")
    ani.link(ANI)
    first.link(BUDI)
    ani.send(BUDI, "to the first")
    first.wait("message", text="to the first")
    sandbox.http.delete(f"/phones/{BUDI}/devices").raise_for_status()
    first.wait("logged_out")
    ani.send(BUDI, "to the phone alone")
    sandbox.wait_text(BUDI, "to the phone alone")
    second = client("second").link(BUDI)
    assert [device["id"] for device in sandbox.devices(BUDI)] == [2]
    ani.send(BUDI, "to the second")
    second.wait("message", text="to the second")


def test_a_session_that_was_unlinked_while_away_learns_it_at_login(sandbox: SandboxProcess, client: Start) -> None:
    client("ani").link(ANI).kill()
    sandbox.http.delete(f"/phones/{ANI}/devices").raise_for_status()
    client("ani").wait("logged_out")


def test_a_session_logs_itself_out(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani").link(ANI)
    session.call("logout")
    eventually(lambda: sandbox.devices(ANI) == [], what="the device is gone")


def test_a_second_connection_of_a_device_replaces_the_first(sandbox: SandboxProcess, client: Start) -> None:
    first = client("ani").link(ANI)
    second = client("ani")
    second.wait("connected")
    first.wait("replaced")
    sandbox.send(ANI, ANI, "to the second")
    second.wait("message", text="to the second")


def type_code(sandbox: SandboxProcess, code: str, phone: str = ANI) -> httpx.Response:
    return sandbox.http.post(f"/phones/{phone}/link-code", json={"code": code})


def test_a_code_links_the_session_that_shows_it(sandbox: SandboxProcess, client: Start) -> None:
    sandbox.phone(BUDI, "Budi")
    session = client("ani")
    session.wait("qr")
    code = session.call("pair", phone=ANI)
    assert len(code) == 9 and code[4] == "-"
    assert type_code(sandbox, code, BUDI).status_code == 404
    assert type_code(sandbox, code.lower()).json()["jid"] == f"{ANI}:1@s.whatsapp.net"
    session.wait("pairing", status="success")
    session.wait("connected")
    session.send(BUDI, "linked by code")
    sandbox.wait_text(BUDI, "linked by code")
    sandbox.send(BUDI, ANI, "welcome")
    session.wait("message", text="welcome")
    again = type_code(sandbox, code)
    assert again.status_code == 404
    assert again.json()["error"] == f"No session waits for a link code of {ANI}: let one ask for a code first."


def test_a_wrong_code_may_be_followed_by_the_right_one(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    session.wait("qr")
    code = session.call("pair", phone=ANI)
    wrong = type_code(sandbox, "1234-5678" if code != "1234-5678" else "8765-4321")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "This is not the code that the session shows.")
    assert type_code(sandbox, "ABC0-1234").status_code == 400
    assert type_code(sandbox, code).status_code == 200
    session.wait("connected")


def test_a_newer_code_takes_the_place_of_an_older_one(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    session.wait("qr")
    older = session.call("pair", phone=ANI)
    newer = session.call("pair", phone=ANI)
    assert type_code(sandbox, older).status_code == 400
    assert type_code(sandbox, newer).status_code == 200
    session.wait("connected")


def test_the_code_of_a_session_that_has_gone_is_worthless(sandbox: SandboxProcess, client: Start) -> None:
    session = client("ani")
    session.wait("qr")
    code = session.call("pair", phone=ANI)
    session.kill()
    eventually(lambda: type_code(sandbox, code).status_code == 404, what="the code is refused")
