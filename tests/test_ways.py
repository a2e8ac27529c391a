"""Through proxies of every kind: what is fetched, what is looked at, and what goes wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import Authority
from support.file_host import FileHost, says
from support.local_proxies import LocalProxy
from support.tunnel import Tunnel
from warest.addresses import Networks
from warest.errors import FetchError, InvalidInput
from warest.fetch import Fetcher
from warest.fetch.media_host import HOST, MediaHost
from warest.fetch.ways import probe
from warest.proxies import Proxy, parse

WHATSAPP = "web.whatsapp.com"
KINDS = ("http", "https", "socks5")
CREDENTIALS = ("user", "p@ss:w/rd")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("a"))


@pytest.fixture(scope="module")
def whatsapp(authority: Authority) -> Iterator[Tunnel]:
    """All names lead to a host that shows WhatsApp's."""
    with FileHost(certificate=authority.certificate(WHATSAPP)) as host, Tunnel(host.port) as tunnel:
        yield tunnel


def local(kind: str, tunnel: Tunnel, authority: Authority) -> LocalProxy:
    certificate = authority.certificate("localhost") if kind == "https" else None
    return LocalProxy(parse(tunnel.url).port, kind, CREDENTIALS, certificate)


def known(proxy: LocalProxy, credentials: tuple[str, str] = CREDENTIALS) -> Proxy:
    plain = parse(proxy.address)
    return Proxy(plain.scheme, plain.host, plain.port, credentials)


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_leads_to_whatsapp(kind: str, whatsapp: Tunnel, authority: Authority) -> None:
    """By name, with the credentials; how long it takes is told."""
    with local(kind, whatsapp, authority) as proxy:
        assert 0 < probe(known(proxy), WHATSAPP, seconds=5, trusted=authority.believed()) < 5000
        assert proxy.asked == [f"{WHATSAPP}:443"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trouble", ["die", "refuse", "stall"])
def test_one_that_does_not(kind: str, trouble: str, whatsapp: Tunnel, authority: Authority) -> None:
    """It is found out in time, and the reason holds no credentials."""
    with local(kind, whatsapp, authority) as proxy:
        getattr(proxy, trouble)()
        with pytest.raises(FetchError) as caught:
            probe(known(proxy), WHATSAPP, seconds=0.3, trusted=authority.believed())
    assert caught.value.message and CREDENTIALS[1] not in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("credentials", [("", ""), ("user", "wrong")])
def test_wrong_credentials(kind: str, credentials: tuple[str, str], whatsapp: Tunnel, authority: Authority) -> None:
    with local(kind, whatsapp, authority) as proxy, pytest.raises(FetchError):
        probe(known(proxy, credentials), WHATSAPP, seconds=5, trusted=authority.believed())
    assert not proxy.asked


def test_one_that_opens_what_it_should_not(whatsapp: Tunnel, authority: Authority, tmp_path: Path) -> None:
    """Behind it answers somebody whose certificate nobody believes."""
    with local("http", whatsapp, authority) as proxy, pytest.raises(FetchError, match="certificate"):
        probe(known(proxy), WHATSAPP, seconds=5, trusted=Authority(tmp_path).believed())


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_url_of_a_user(kind: str) -> None:
    """What is public is asked for by the address that was looked at; what is not, never through the proxy."""
    with (
        FileHost() as host,
        Tunnel(host.port) as tunnel,
        LocalProxy(parse(tunnel.url).port, kind, CREDENTIALS) as proxy,
    ):
        host.paths["/x"] = says(200, b"found")
        fetcher = Fetcher(Networks.parse("127.0.0.0/8"), seconds=5)
        with fetcher.open("http://8.8.4.4/x", limit=100, proxy=known(proxy)) as found:
            assert b"".join(found) == b"found"
        with fetcher.open(host.url("/x"), limit=100, proxy=known(proxy)) as found:
            assert b"".join(found) == b"found"
        with pytest.raises(InvalidInput), fetcher.open("http://10.0.0.1/x", limit=100, proxy=known(proxy)):
            pass
        assert proxy.asked == ["8.8.4.4:80"] and host.asked[0].headers["Host"] == "8.8.4.4"


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_file_of_whatsapp(kind: str, authority: Authority) -> None:
    """Through the proxy of its session; without one, the usual way."""
    with (
        FileHost(certificate=authority.certificate(HOST)) as host,
        Tunnel(host.port) as tunnel,
        LocalProxy(parse(tunnel.url).port, kind, CREDENTIALS) as proxy,
    ):
        host.paths["/f"] = says(200, b"sealed")
        media = MediaHost(seconds=5, proxy=parse(tunnel.url), trusted=authority.believed())
        for way in (known(proxy), known(proxy), None):
            with media.open("/f", "", hash_=b"x", kind="image", limit=100, proxy=way) as pieces:
                assert b"".join(pieces) == b"sealed"
        media.close()
        assert proxy.asked == [f"{HOST}:443"] * 2 and len(tunnel.asked) == len(host.asked) == 3
