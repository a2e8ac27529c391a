"""POSTs to receivers: to addresses that are allowed, over connections that live on, and never for too long."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from support.receiver import Receiver
from warest.addresses import Networks
from warest.errors import FetchError, InvalidInput
from warest.fetch.poster import Poster

ALLOWED, DENIED = Networks(all=True), Networks()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def poster() -> Iterator[Poster]:
    poster = Poster(ALLOWED, setting="SETTING")
    yield poster
    poster.close()


def test_a_post(poster: Poster, receiver: Receiver) -> None:
    """Names of headers in their casing, and values as Node writes them; of the answer, its beginning."""
    receiver.status, receiver.headers, receiver.answer = 202, {"X-Said": "yes"}, b"x" * 5000
    sent = {"X-WAREST-Label": "J\u00fcrgen", "X-Other": "\u540d"}
    posted = poster.post(f"{receiver.url}?a=b", b"body", sent, receiver="r", seconds=5, limit=100)
    assert (posted.status, posted.headers["x-said"], posted.body) == (202, "yes", b"x" * 100)
    (got,) = receiver.received
    assert (got.path, got.body, got.headers["X-WAREST-Label"]) == ("/hook?a=b", b"body", "J\u00fcrgen")
    assert got.headers["X-Other"].encode("latin-1") == "\u540d".encode()


def test_credentials_of_the_url(poster: Poster, receiver: Receiver) -> None:
    """Go where HTTP has them."""
    poster.post(receiver.url.replace("//", "//me:secret@"), b"", {}, receiver="r", seconds=5, limit=1)
    assert receiver.received[0].headers["Authorization"] == "Basic bWU6c2VjcmV0"


def test_connections_are_kept(poster: Poster) -> None:
    """The next post goes over the same one; when its other end has gone, over a new one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        threading.Thread(target=answer_all, args=(server, accepted), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        for _ in range(3):
            assert poster.post(url, b"b", {}, receiver="r", seconds=5, limit=10).status == 200
        assert len(accepted) == 1
        accepted[0].shutdown(socket.SHUT_RDWR)
        assert poster.post(url, b"b", {}, receiver="r", seconds=5, limit=10).status == 200
        assert len(accepted) == 2
        for connection in accepted:
            connection.close()


def answer_all(server: socket.socket, accepted: list[socket.socket]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        accepted.append(connection)
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    """Each post whose body is `b`."""
    came = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            came += piece
            if came.endswith(b"\r\n\r\nb"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_redirect_is_an_answer(poster: Poster, receiver: Receiver) -> None:
    """It is not followed."""
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    assert poster.post(receiver.url, b"", {}, receiver="r", seconds=5, limit=1).status == 307
    assert len(receiver.received) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "169.254.169.254"])
def test_private_addresses(host: str) -> None:
    """However they are written; the refusal names the setting."""
    with pytest.raises(InvalidInput, match="SETTING"):
        Poster(DENIED, setting="SETTING").post(f"http://{host}:1/", b"", {}, receiver="r", seconds=5, limit=1)


def test_metadata_services_are_never_called(poster: Poster) -> None:
    """Whatever is allowed."""
    with pytest.raises(InvalidInput):
        poster.post("http://169.254.169.254/", b"", {}, receiver="r", seconds=5, limit=1)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:99999/", "no url"])
def test_what_is_no_url(poster: Poster, url: str) -> None:
    """Is refused as such."""
    with pytest.raises(InvalidInput):
        poster.post(url, b"", {}, receiver="r", seconds=5, limit=1)


def test_nobody_there(poster: Poster) -> None:
    """May be otherwise the next time."""
    with pytest.raises(FetchError):
        poster.post("http://127.0.0.1:1/", b"", {}, receiver="r", seconds=5, limit=1)


def test_one_that_drips(poster: Poster) -> None:
    """A byte now and then does not buy more time: the whole of it counts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        began = time.monotonic()
        with pytest.raises(FetchError, match="within"):
            poster.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {}, receiver="r", seconds=0.5, limit=1)
        assert time.monotonic() - began < 3


def drip(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
