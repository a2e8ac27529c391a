"""Which addresses this server may be sent to by somebody else: the rule for every URL that a user gives.

What lies behind an address is not always what it looks like: some IPv6 addresses stand for an IPv4 address, and whoever
connects to them reaches that one. So those are judged by what they stand for.
"""

import ipaddress
from dataclasses import dataclass
from typing import Self

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


#: Where clouds keep the keys of their machines: nobody is ever sent there, whatever the settings say.
METADATA = _networks(
    "169.254.0.0/16",  # AWS, Google, Azure, Oracle, OpenStack, Tencent, Scaleway, each at its own place in there
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure, an address that looks public
    "192.0.0.192/32",  # Oracle, before OpenStack's
    "fd00:ec2::/32",  # AWS
    "fd20:ce::254/128",  # Google
    "fd00:42::42/128",  # Scaleway
    "fe80::a9fe:a9fe/128",  # OpenStack
)

#: Not Python's `is_global`, whose answers change with its version: IANA's special-purpose registries.
_NOT_PUBLIC = _networks(
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/3", "2001::/23", "2001:db8::/32", "3fff::/20",
)  # fmt: skip

#: All of IPv6 that has been given to anybody; loopback, link-local, multicast and the rest lie outside.
_UNICAST = ipaddress.IPv6Network("2000::/3")

#: IPv6 networks in which the last 32 bits are the IPv4 address that one gets to: IPv4-mapped, and NAT64.
_BY_THE_END = _networks("::ffff:0:0/96", "64:ff9b::/96")
_6TO4, _TEREDO = ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32")


def is_public(address: Address) -> bool:
    """Anybody on the internet could connect to it, so that doing so gives nobody a way into this network."""
    behind = reached(address)
    if isinstance(behind, ipaddress.IPv6Address) and behind not in _UNICAST:
        return False
    return not _within(behind, _NOT_PUBLIC) and not is_metadata(address)


def is_metadata(address: Address) -> bool:
    """It may be a cloud's metadata service, however the address is written."""
    return any(_within(each, METADATA) for each in (address, *_inside(address)))


def reached(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if _within(address, _BY_THE_END):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address in _6TO4:
            return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def _inside(address: Address) -> list[Address]:
    """Every IPv4 address that an IPv6 one may lead to, also by ways that are out of use, or that an operator has made:
    at its end (mapped, compatible, ISATAP, NAT64), around its ninth byte (NAT64), 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    packed = address.packed
    found = [reached(address), ipaddress.IPv4Address(packed[12:])]
    if packed[8] == 0:
        found.append(ipaddress.IPv4Address(packed[6:8] + packed[9:11]))
    if address in _TEREDO:
        found.append(ipaddress.IPv4Address(int(found[1]) ^ 0xFFFFFFFF))
    return found


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


@dataclass(frozen=True)
class Networks:
    """What a setting says of addresses that are not public: none of them, all, or those in some networks."""

    named: tuple[Network, ...] = ()
    all: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """`deny`, `allow`, or networks and addresses separated by commas. Raises ValueError."""
        if text in ("deny", "allow"):
            return cls(all=text == "allow")
        parts = [part.strip() for part in text.split(",")]
        return cls(tuple(ipaddress.ip_network(part, strict=False) for part in parts if part))

    def allow(self, address: Address) -> bool:
        """May this server connect to it for somebody else?"""
        if is_metadata(address):
            return False
        behind = reached(address)
        return self.all or is_public(address) or _within(address, self.named) or _within(behind, self.named)
