"""Files by URL, from hosts on loopback that are as hostile as they like."""

import base64
import gzip
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.certificates import Authority
from support.file_host import Answer, Asked, FileHost, says, starts
from support.threads import at_once
from warest.addresses import Networks
from warest.config import house
from warest.config.settings import Settings
from warest.drivers import storage
from warest.errors import FetchError, InvalidInput
from warest.fetch import Fetcher
from warest.spool import Spool

LIMIT = 1_000_000

#: What a name means: each look-up takes the first entry, but for the last, which stays.
Names = dict[str, list[list[str]]]

Fetch = Callable[..., bytes]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The only names there are: no test asks a real name server."""
    known: Names = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if text in known:
            found = known[text].pop(0) if len(known[text]) > 1 else known[text][0]
            return [one for each in found for one in real(each, port, *rest, **options)]
        if not set(text) <= set("0123456789abcdefx.:%"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def host() -> Iterator[FileHost]:
    with FileHost() as host:
        yield host


def fetcher(networks: str = "127.0.0.0/8", seconds: float = 20, trusted: ssl.SSLContext | None = None) -> Fetcher:
    return Fetcher(Networks.parse(networks), seconds=seconds, trusted=trusted)


@pytest.fixture(scope="module")
def fetch() -> Fetch:
    """All of a file, from a network that allows loopback."""
    here = fetcher()

    def one(url: str, limit: int = LIMIT) -> bytes:
        with here.open(url, limit=limit) as found:
            return b"".join(found)

    return one


def test_a_file(host: FileHost) -> None:
    """Its bytes, and what its host says of it; nobody is told more of us than has to be."""
    host.paths["/a/plan.pdf"] = says(200, b"content", Content_Type="Application/PDF; version=1")
    with fetcher().open(host.url("/a/plan.pdf?x=%20y#part"), limit=LIMIT) as found:
        assert (found.mime_type, found.file_name, b"".join(found)) == ("application/pdf", "plan.pdf", b"content")
    asked = host.asked[0]
    assert asked.path == "/a/plan.pdf?x=%20y"
    assert dict(asked.headers) == {
        "Host": f"127.0.0.1:{host.port}", "Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "WAREST",
    }  # fmt: skip


def test_into_the_spool(host: FileHost, tmp_path: Path) -> None:
    """As it comes; what breaks off leaves nothing behind."""
    content = random.Random(1).randbytes(5_000_000)
    host.paths["/there"] = says(200, content)
    host.paths["/broken"] = says(200, content, Content_Length="6000000")
    files = storage.open(house.storage_place(Settings(data_dir=tmp_path)))
    spool = Spool(files, seconds=60, limit=10_000_000)
    with fetcher().open(host.url("/there"), limit=10_000_000) as found:
        key = spool.put(found, original_name=found.file_name, mime_type=found.mime_type)
    with spool.open(key) as opened:
        assert (opened.read(), opened.stored.original_name) == (content, "there")
    with pytest.raises(FetchError), fetcher().open(host.url("/broken"), limit=10_000_000) as found:
        spool.put(found)
    assert [entry.key for entry in files.walk()] == [key]


def test_by_the_settings(host: FileHost) -> None:
    """Nothing on loopback unless it is named."""
    host.paths["/"] = says(200, b"secret")
    for setting, is_allowed in (("deny", False), ("10.0.0.0/8", False), ("127.0.0.0/30", True), ("allow", True)):
        with_it = house.open_fetcher(Settings(fetch_networks=setting))
        if is_allowed:
            with with_it.open(host.url("/"), limit=LIMIT) as found:
                assert b"".join(found) == b"secret"
        else:
            with (
                pytest.raises(InvalidInput, match="WAREST_FETCH_PRIVATE_NETWORKS"),
                with_it.open(host.url("/"), limit=1),
            ):
                pass


def test_many_at_once(host: FileHost, fetch: Fetch) -> None:
    """One fetcher serves them all."""
    host.paths["/"] = says(200, b"x" * 300_000)
    assert at_once(lambda: len(fetch(host.url("/"))), 16) == [300_000] * 16


# Addresses


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.1", "017700000001", "127.1", "0", "0.0.0.0",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
     "[2002:7f00:1::]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0xa9fea9fe", "[fd00:ec2::254]", "224.0.0.1",
     "127.0.0.1.", "user:password@127.0.0.1"],
)  # fmt: skip
def test_addresses_however_they_are_written(host: FileHost, name: str) -> None:
    """Nobody is asked; not even a connection is made (quirk S4)."""
    host.paths["/"] = says(200, b"secret")
    with (
        pytest.raises((InvalidInput, FetchError)) as caught,
        fetcher("deny").open(f"http://{name}:{host.port}/", limit=9),
    ):
        pass
    if name != "127.0.0.1.":  # no address, and no name that anybody has
        assert "WAREST_FETCH_PRIVATE_NETWORKS" in caught.value.message
    assert "password" not in caught.value.message and host.asked == []


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
def test_odd_spellings_of_what_is_allowed(host: FileHost, fetch: Fetch, name: str) -> None:
    """Are judged by what they mean."""
    host.paths["/"] = says(200, b"content")
    assert fetch(f"http://{name}:{host.port}/") == b"content"


@pytest.mark.parametrize("second", ["10.0.0.1", "::1", "169.254.169.254", "fe80::1"])
def test_all_addresses_of_a_name_are_checked(host: FileHost, fetch: Fetch, known: Names, second: str) -> None:
    """One that is not allowed is enough to refuse it."""
    known["two.test"] = [["127.0.0.1", second]]
    with pytest.raises(InvalidInput, match=r"two\.test is not on the public internet"):
        fetch(host.url("/", "two.test"))
    assert host.asked == []


def test_a_name_that_changes_its_meaning(known: Names) -> None:
    """DNS rebinding: it is looked up once, and the connection goes to the address that was checked, not to the name."""
    with FileHost("127.0.0.2") as checked, FileHost("127.0.0.1", checked.port) as inside:
        checked.paths["/"], inside.paths["/"] = says(200, b"harmless"), says(200, b"secret")
        known["rebind.test"] = [["127.0.0.2"], ["127.0.0.1"]]
        with fetcher("127.0.0.2").open(checked.url("/", "rebind.test"), limit=LIMIT) as found:
            assert b"".join(found) == b"harmless"
        assert inside.asked == [] and checked.asked[0].headers["Host"] == f"rebind.test:{checked.port}"
        assert known["rebind.test"] == [["127.0.0.1"]]
        with pytest.raises(InvalidInput), fetcher("127.0.0.2").open(checked.url("/", "rebind.test"), limit=LIMIT):
            pass


def test_the_next_address(host: FileHost, fetch: Fetch, known: Names) -> None:
    """When one of a name does not answer."""
    host.paths["/"] = says(200, b"content")
    known["two.test"] = [["127.0.0.9", "127.0.0.1"]]
    assert fetch(host.url("/", "two.test")) == b"content"


def test_proxies_of_the_environment_are_not_used(host: FileHost, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would check what they connect to."""
    host.paths["/"] = says(200, b"content")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(host.url("/")) == b"content"


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("name", ["files.test", "other.test", "127.0.0.1"])
def test_the_certificate_is_for_the_name(authority: Authority, known: Names, name: str) -> None:
    """Not for the address that is connected to."""
    known["files.test"] = known["other.test"] = [["127.0.0.1"]]
    mine = fetcher(trusted=authority.believed())
    with FileHost(certificate=authority.certificate("files.test")) as host:
        host.paths["/"] = says(200, b"content")
        if name == "files.test":
            with mine.open(host.url("/", name), limit=LIMIT) as found:
                assert b"".join(found) == b"content"
        else:
            with pytest.raises(FetchError, match="certificate"), mine.open(host.url("/", name), limit=LIMIT):
                pass
            assert host.asked == []


def test_a_certificate_of_nobody(authority: Authority, known: Names, fetch: Fetch) -> None:
    """Is not believed by the usual authorities."""
    known["files.test"] = [["127.0.0.1"]]
    with FileHost(certificate=authority.certificate("files.test")) as host, pytest.raises(FetchError):
        fetch(host.url("/", "files.test"))


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects(host: FileHost, fetch: Fetch, status: int) -> None:
    """Absolute and relative ones; the file is named by where they end."""
    host.paths["/start"] = says(status, b"moved", Location="/next?b=2")
    host.paths["/next"] = says(status, Location=host.url("/end.png"))
    host.paths["/end.png"] = says(200, b"content")
    assert fetch(host.url("/start")) == b"content"
    assert [asked.path for asked in host.asked] == ["/start", "/next?b=2", "/end.png"]
    with fetcher().open(host.url("/start"), limit=LIMIT) as found:
        assert found.file_name == "end.png"


def test_a_redirect_to_where_nobody_may_go(host: FileHost) -> None:
    """Each hop is checked anew, by its name and by its address."""
    with FileHost("127.0.0.2", host.port) as inside:
        inside.paths["/"] = says(200, b"secret")
        for number, location in enumerate(
            [inside.url("/"), f"http://0x7f.2:{host.port}/", f"//127.0.0.2:{host.port}/", "http://10.0.0.1/",
             "http://[::ffff:127.0.0.2]/", "http://169.254.169.254/latest/meta-data/"]
        ):  # fmt: skip
            host.paths[f"/{number}"] = says(302, Location=location)
            with (
                pytest.raises(InvalidInput, match="public internet"),
                fetcher("127.0.0.1").open(host.url(f"/{number}"), limit=LIMIT),
            ):
                pass
        assert inside.asked == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:,x", "http://host:x/"]
)
def test_a_redirect_to_what_is_no_url(host: FileHost, fetch: Fetch, location: str) -> None:
    host.paths["/"] = says(302, Location=location)
    with pytest.raises(InvalidInput, match="URL"):
        fetch(host.url("/"))


def test_a_redirect_without_end(host: FileHost, fetch: Fetch) -> None:
    """Five are followed."""
    host.paths["/"] = says(302, Location="/")
    with pytest.raises(FetchError, match="redirects more than 5 times") as caught:
        fetch(host.url("/"))
    assert caught.value.permanent and len(host.asked) == 6


def test_credentials_stay_with_their_host(host: FileHost, fetch: Fetch, known: Names) -> None:
    """Those of the URL go to that host, also after a redirect; never to another one, nor one's own to us."""
    expected = "Basic " + base64.b64encode("me:p@ß".encode()).decode()
    with FileHost() as other:
        host.paths["/"] = says(302, Location="/same")
        host.paths["/same"] = says(302, Location=f"http://you:secret@127.0.0.1:{other.port}/")
        other.paths["/"] = says(302, Location=host.url("/back"))
        host.paths["/back"] = says(200, b"content")
        assert fetch(f"http://me:p%40%C3%9F@127.0.0.1:{host.port}/") == b"content"
        assert [asked.headers["Authorization"] for asked in host.asked] == [expected] * 3
        assert other.asked[0].headers["Authorization"] is None
    assert all("Cookie" not in asked.headers and "Referer" not in asked.headers for asked in host.asked)


# Sizes


def test_the_limit(host: FileHost, fetch: Fetch) -> None:
    """Exactly so much, and not a byte more, whether its size is told before or not."""
    for path, answer in (("/told", says(200, b"x" * 1000)), ("/untold", lambda asked: untold(asked, b"x" * 1000))):
        host.paths[path] = answer
        assert len(fetch(host.url(path), 1000)) == 1000
        with pytest.raises(InvalidInput, match="larger than 999 bytes") as caught:
            fetch(host.url(path), 999)
        assert caught.value.details == {"limit": 999}
    with pytest.raises(InvalidInput, match="larger"), fetcher().open(host.url("/told"), limit=999):
        pytest.fail("not a byte of it is waited for")


def untold(asked: Asked, body: bytes) -> None:
    starts()(asked)
    asked.wfile.write(body)


def raw(answer: bytes) -> Answer:
    """These bytes, whatever they are."""

    def send(asked: Asked) -> None:
        asked.wfile.write(answer)

    return send


def test_an_endless_body(host: FileHost, fetch: Fetch) -> None:
    """Ends at the limit, in chunks and without."""

    def chunked(asked: Asked) -> None:
        starts(Transfer_Encoding="chunked")(asked)
        asked.send_endlessly(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")

    def plain(asked: Asked) -> None:
        starts()(asked)
        asked.send_endlessly(b"x" * 8192)

    host.paths |= {"/chunked": chunked, "/plain": plain}
    for path in host.paths:
        with pytest.raises(InvalidInput, match="larger than"):
            fetch(host.url(path))


def test_a_length_that_is_a_lie(host: FileHost, fetch: Fetch) -> None:
    """Too large: the file is not complete, and not taken for it. Too small: the rest is not the file's."""
    host.paths["/short"] = says(200, b"x" * 10, Content_Length="20")
    host.paths["/long"] = says(200, b"x" * 20, Content_Length="10")
    host.paths["/none"] = says(200, b"x", Content_Length="ten")
    for path in ("/short", "/none"):
        with pytest.raises(FetchError):
            fetch(host.url(path))
    assert fetch(host.url("/long")) == b"x" * 10


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_what_comes_packed_all_the_same(host: FileHost, fetch: Fetch, encoding: str) -> None:
    """Is unpacked, also when it consists of several parts."""
    content = random.Random(1).randbytes(200_000)
    packed = gzip.compress(content) + gzip.compress(b"") + gzip.compress(b"end")
    host.paths["/"] = says(200, packed, Content_Encoding=encoding)
    assert fetch(host.url("/")) == content + b"end"
    host.paths["/cut"] = says(200, packed[:-4], Content_Encoding=encoding)
    host.paths["/other"] = says(200, b"not packed", Content_Encoding=encoding)
    for path in ("/cut", "/other"):
        with pytest.raises(FetchError):
            fetch(host.url(path))


def test_a_bomb(host: FileHost) -> None:
    """100 MB in 100 KB: it ends at the limit, and no more than a piece of it is ever there."""
    host.paths["/"] = says(200, gzip.compress(bytes(100_000_000)), Content_Encoding="gzip")
    sizes: list[int] = []
    with pytest.raises(InvalidInput, match="larger than"), fetcher().open(host.url("/"), limit=LIMIT) as found:
        sizes.extend(len(piece) for piece in found)
    assert max(sizes) <= 65536


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_packed_in_another_way(host: FileHost, fetch: Fetch, encoding: str) -> None:
    """Nobody has asked for it."""
    host.paths["/"] = says(200, b"x", Content_Encoding=encoding)
    with pytest.raises(FetchError, match="packed as") as caught:
        fetch(host.url("/"))
    assert caught.value.permanent


# Times


def slow_body(asked: Asked) -> None:
    starts()(asked)
    asked.send_endlessly(b"x", pause=0.02)


def slow_head(asked: Asked) -> None:
    asked.send_endlessly(b"HTTP/1.1 200 OK\r\nX: ".ljust(10_000, b"x")[:1], pause=0.02)


def silent(asked: Asked) -> None:
    asked.server.host.closing.wait(20)


def endlessly_going_on(asked: Asked) -> None:
    asked.send_endlessly(b"HTTP/1.1 102 Processing\r\n\r\n", pause=0.02)


@pytest.mark.parametrize("answer", [slow_body, slow_head, silent, endlessly_going_on], ids=lambda one: one.__name__)
def test_a_host_that_takes_its_time(host: FileHost, answer: Any) -> None:
    """All of it together must not take longer than it may, even if something comes all the time."""
    host.paths["/"] = answer
    began = time.monotonic()
    with (
        pytest.raises(FetchError, match="in time") as caught,
        fetcher(seconds=0.5).open(host.url("/"), limit=LIMIT) as one,
    ):
        b"".join(one)
    assert 0.4 < time.monotonic() - began < 5 and not caught.value.permanent


def test_redirects_share_the_time(host: FileHost) -> None:
    """Each hop takes a part of it."""

    def slow(asked: Asked) -> None:
        asked.server.host.closing.wait(0.3)
        says(302, Location="/")(asked)

    host.paths["/"] = slow
    with pytest.raises(FetchError, match="in time"), fetcher(seconds=0.5).open(host.url("/"), limit=LIMIT):
        pass


def test_a_handshake_that_never_ends(known: Names) -> None:
    """TLS counts too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(FetchError, match="in time"), fetcher(seconds=0.3).open(url, limit=LIMIT):
            pass


# Refusals


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (404, True), (410, True), (408, False), (429, False), (500, False), (503, False),
     (304, True), (300, True)],
)  # fmt: skip
def test_hosts_that_say_no(host: FileHost, fetch: Fetch, status: int, permanent: bool) -> None:
    """By their status; whether it is worth asking again."""
    host.paths["/"] = says(status, b"no")
    with pytest.raises(FetchError, match=f"127.0.0.1 answered HTTP {status}") as caught:
        fetch(host.url("/"))
    assert caught.value.details == {"permanent": permanent, "status": status}


def test_hosts_that_say_nothing(host: FileHost, fetch: Fetch) -> None:
    """No such name, nobody there, not HTTP, or a head without end."""
    host.paths["/"] = raw(b"SSH-2.0\r\n\r\n")
    host.paths["/head"] = raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    for url in ("http://unknown.test/", nobody, host.url("/"), host.url("/head")):
        with pytest.raises(FetchError) as caught:
            fetch(url)
        assert not caught.value.permanent


@pytest.mark.parametrize(
    "url",
    ["", " ", "x", "/etc/passwd", "file:///etc/passwd", "ftp://host/x", "gopher://host/", "javascript:alert(1)",
     "data:text/plain,x", "http://", "http:///x", "http://[::1", "http://host:99999/", "http://host:0/", "http://host:x/",
     "http://a b/", "http://host/\r\nX: y", "http://0177.0.0.1/", "http://256.1.1.1/", "http://\uff11\uff12\uff17.0.0.1/",
     "http://\udc80.test/", "http://[fe80::1%25eth0]/", "http://" + "x" * 70_000 + "/", "http://user:pass@/"],
)  # fmt: skip
def test_what_is_no_url(fetch: Fetch, url: str) -> None:
    """Or none that anybody could mean."""
    with pytest.raises((InvalidInput, FetchError)) as caught:
        fetch(url)
    assert isinstance(caught.value, InvalidInput) or "is not known" in caught.value.message


def test_names_in_any_script(host: FileHost, fetch: Fetch, known: Names) -> None:
    """They are looked up, and called, as DNS knows them."""
    known["xn--bcher-kva.test"] = [["127.0.0.1"]]
    host.paths["/%C3%A4"] = says(200, b"content")
    assert fetch(f"http://B\u00fccher.test:{host.port}/\u00e4") == b"content"
    assert host.asked[0].headers["Host"] == f"xn--bcher-kva.test:{host.port}"


def test_any_url(fetch: Fetch) -> None:
    """Whatever it looks like, it is one of our errors."""
    chance = random.Random(4)
    parts = [
        "http",
        "://",
        "//",
        ":",
        "@",
        "[",
        "]",
        "%",
        "%2f",
        "\\",
        "#",
        "?",
        "..",
        "host.test",
        "::1",
        "\u00e4",
        "\0",
        " ",
    ]
    for _ in range(2000):
        url = "http://" * chance.randint(0, 1) + "".join(chance.choices(parts, k=chance.randint(1, 6)))
        with pytest.raises((InvalidInput, FetchError)):
            fetch(url)
