"""The typed client of our own API."""

from collections.abc import Iterator

import pytest

from support.product import Product, free_port
from support.stranger import Stranger
from support.waiting import eventually
from warest.client import ApiError, Client, PairCode
from warest.errors import InvalidInput


@pytest.fixture
def client(product: Product) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{product.port}/", product.key) as client:
        yield client


def refusal(status: int, body: bytes, **headers: str) -> ApiError:
    """What a send makes of that answer. It asks once, whatever comes."""
    with Stranger(status, body, **headers) as server, Client(server.url, "key") as client:
        with pytest.raises(ApiError) as refused:
            client.messages.send_text("a", "b", "c")
        assert server.asked == 1
    return refused.value


def test_a_session_from_its_qr_to_its_end(product: Product, client: Client) -> None:
    """Each route that the client has, with what comes back."""
    name, phone = "..", "628130000001"  # a name that would lead a careless path elsewhere
    product.sandbox("POST", "/phones", json={"phone": phone, "name": "Ani"})
    assert client.server.ping().timestamp > 1_700_000_000
    eventually(lambda: client.sessions.create(name).qr)
    created = client.sessions.create(name)
    assert not created.is_open and 5 <= created.qr_seconds <= 65
    product.sandbox("POST", f"/phones/{phone}/scan", json={"qr": created.qr})
    product.wait_open(name)

    again = client.sessions.create(name)
    assert again.is_open and again.qr is None
    assert client.sessions.pair_code(name, phone) == PairCode(is_open=True, code=None)
    (session,) = [each for each in client.sessions.all() if each.id == name]
    assert (session.status, session.state, session.phone) == ("open", "open", phone)
    device = client.sessions.device(name)
    assert (device.phone, device.pn) == (phone, f"{phone}@s.whatsapp.net") and str(device.lid).endswith("@lid")
    webhook = client.sessions.configure(name, webhook_url="http://127.0.0.1:1/")
    assert webhook.url == "http://127.0.0.1:1/" and webhook.secret not in repr(webhook)
    assert client.sessions.configure(name, webhook_url="") == type(webhook)("", webhook.secret)
    (sent,) = client.messages.send_text(name, phone, "to myself")
    assert (sent.to, bool(sent.message_id)) == (phone, True)
    pid = product.session_pid(name)
    client.sessions.reconnect(name)
    eventually(lambda: product.session_pid(name) not in (0, pid))
    product.wait_open(name)
    client.sessions.logout(name)
    eventually(lambda: client.sessions.device(name).state == "stopped")
    client.sessions.delete(name)
    assert name not in [each.id for each in client.sessions.all()]


def test_refusals_of_the_server(product: Product, client: Client) -> None:
    """HTTP's status, the API's code, what it says, and what to do next."""
    with pytest.raises(ApiError, match=r"Session not found\. Look at the list") as missing:
        client.messages.send_text("nowhere", "628", "x")
    assert (missing.value.status, missing.value.number) == (404, 1101)
    with Client(client.url, "wrong") as stranger, pytest.raises(ApiError, match="valid API key") as wrong:
        stranger.sessions.all()
    assert (wrong.value.status, wrong.value.number) == (401, None)


def test_the_key_is_shown_nowhere(client: Client, product: Product) -> None:
    """Neither the client nor an error repeats it."""
    with Client(f"http://127.0.0.1:{free_port()}", product.key) as lost, pytest.raises(ApiError) as error:
        lost.sessions.device("a")
    for shown in (repr(client), str(vars(error.value)), str(error.value)):
        assert product.key not in shown
    assert "warest up" in str(error.value)


def test_an_outcome_that_is_not_known_is_an_error() -> None:
    """An answer before the result, and a connection that breaks: what was asked may have happened."""
    queued = refusal(202, b'{"status": true, "code": 1002, "message": "Queued", "results": [{"jobId": "x"}]}')
    broken = refusal(0, b"")
    assert (queued.status, queued.number, broken.status) == (202, 1002, None)
    for error in (queued, broken):
        assert "may still happen" in error.advice


def test_other_answers() -> None:
    """Too many calls say when to go on; something that is not WAREST is called that."""
    busy = refusal(429, b'{"error": "Recipient cooldown", "retryAfter": 3}', **{"Retry-After": "3"})
    assert (busy.retry_after, str(busy)) == (3, "Recipient cooldown. Wait 3 s.")
    failed = refusal(500, b'{"error": "Internal server error"}', **{"X-Request-Id": "01ABC"})
    assert "01ABC" in failed.advice
    for status, body in ((200, b"<html>"), (200, b"[]"), (200, b'{"hello": 1}'), (502, b"Bad gateway")):
        assert "not as WAREST does" in str(refusal(status, body))


@pytest.mark.parametrize("url", ["127.0.0.1:7308", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "nonsense"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InvalidInput, match="no address"):
        Client(url)
