"""Who is at the other end of a connection: limits and locks are theirs, and cookies are for their connection.

`X-Forwarded-For` is written by whoever likes to: it is believed only of proxies that the settings name (quirk S14).
"""

import ipaddress
from collections.abc import Collection

import falcon

from warest.config.kinds import split
from warest.config.settings import Settings


class Clients:
    """Notes `address`, `client` and `is_https` of a request: of a client's addresses all have one name."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = [ipaddress.ip_network(one, strict=False) for one in split(settings.trusted_proxies)]

    def process_request(self, request: falcon.Request, _: falcon.Response) -> None:
        peer = request.remote_addr or ""
        request.context.address = self._behind(peer, request.get_header("X-Forwarded-For") or "")
        request.context.client = _household(request.context.address)
        forwarded = (request.get_header("X-Forwarded-Proto") or "").partition(",")[0].strip().lower()
        believed = forwarded if forwarded and self._is_proxy(peer) else request.scheme
        request.context.is_https = believed == "https"

    def _behind(self, peer: str, forwarded: str) -> str:
        """The last address that one of our proxies has seen; what stands before it anybody may have written."""
        for claimed in reversed(split(forwarded)):
            if not self._is_proxy(peer) or _parsed(claimed) is None:
                break
            peer = claimed
        return peer

    def _is_proxy(self, text: str) -> bool:
        address = _parsed(text)
        return address is not None and any(address in network for network in self._proxies)


def counts_at(networks: Collection[str], address: str) -> bool:
    """Whether an address lies in one of them; none: it lies everywhere."""
    parsed = _parsed(address)
    return not networks or (parsed is not None and any(parsed in ipaddress.ip_network(each) for each in networks))


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _household(text: str) -> str:
    """One name for all addresses of a client: with IPv6 everybody has 2^64 of them."""
    address = _parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or text)
