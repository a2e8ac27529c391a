"""Whose address a request comes from, and whether it came over HTTPS."""

import falcon
import pytest
from falcon import testing
from pydantic import ValidationError

from warest.config.settings import Settings
from warest.http.clients import Clients


def noted(peer: str | None, proxies: str = "", scheme: str = "http", **headers: str) -> tuple[str, bool]:
    environ = testing.create_environ(
        remote_addr=peer, scheme=scheme, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    request = falcon.Request(environ)
    Clients(Settings(trusted_proxies=proxies)).process_request(request, falcon.Response())
    return request.context.client, request.context.is_https


@pytest.mark.parametrize("forwarded", ["1.2.3.4", "127.0.0.1", "1.2.3.4, 127.0.0.1", ""])
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1", "198.51.100.7"])
def test_nobody_is_believed_by_default(peer: str, forwarded: str) -> None:
    """The header is written by whoever likes to (quirk S14)."""
    assert noted(peer, X_Forwarded_For=forwarded, X_Forwarded_Proto="https") == (peer, False)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6,1.2.3.4 , 10.0.0.9", "1.2.3.4"),
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("1.2.3.4, nonsense", "10.0.0.1"),
        ("nonsense, 10.0.0.9", "10.0.0.9"),
        ("1.2.3.4:80", "10.0.0.1"),
        ("", "10.0.0.1"),
        (",,", "10.0.0.1"),
    ],
)
def test_behind_a_proxy(forwarded: str, client: str) -> None:
    """The last address that a trusted proxy has seen; what was there before it does not count."""
    assert noted("10.0.0.1", "10.0.0.0/24, ::1", X_Forwarded_For=forwarded)[0] == client


@pytest.mark.parametrize("peer", ["10.0.1.1", "1.2.3.4"])
def test_another_peer_is_not_believed(peer: str) -> None:
    """Only the proxies that are named."""
    assert noted(peer, "10.0.0.0/24", X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="https") == (peer, False)


@pytest.mark.parametrize(
    ("scheme", "forwarded", "is_https"),
    [("http", "https", True), ("http", "HTTPS, http", True), ("https", "http", False), ("https", "", True),
     ("http", "", False), ("http", "nonsense", False)],
)  # fmt: skip
def test_https_at_the_proxy(scheme: str, forwarded: str, is_https: bool) -> None:
    """What it says of the browser's connection."""
    assert noted("10.0.0.1", "10.0.0.1", scheme, X_Forwarded_Proto=forwarded)[1] is is_https


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_names_of_addresses(peer: str, client: str) -> None:
    """A household with IPv6 has 2^64 of them and is one client; IPv4 is IPv4, however it is written."""
    assert noted(peer)[0] == client


@pytest.mark.parametrize("wrong", ["nginx", "10.0.0.0/33", "10.0.0.1, *", "1.2.3"])
def test_wrong_networks_stop_the_start(wrong: str) -> None:
    """Rather than that nobody is believed, or everybody."""
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=wrong)
