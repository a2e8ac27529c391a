"""Who may be connected to: by examples, and for any address at all."""

import ipaddress
import random
from collections.abc import Callable
from ipaddress import IPv4Address as V4
from ipaddress import IPv6Address as V6

import pytest

from warest.addresses import METADATA, Address, Networks, is_metadata, is_public, reached

DENY, ALLOW = Networks.parse("deny"), Networks.parse("allow")

#: Every way in which an IPv6 address stands for an IPv4 one, that a packet could follow.
STANDING_FOR: list[Callable[[V4], V6]] = [
    lambda v4: V6(0xFFFF << 32 | int(v4)),
    lambda v4: V6(int(V6("64:ff9b::")) | int(v4)),
    lambda v4: V6(0x2002 << 112 | int(v4) << 80 | 1),
]

#: And those that lead somewhere by an operator's doing only, or led there in former times.
AS_GOOD_AS: list[Callable[[V4], V6]] = [
    lambda v4: V6(int(v4)),
    lambda v4: V6(int(V6("::ffff:0:0:0")) | int(v4)),
    lambda v4: V6(int(V6("64:ff9b:1::")) | int(v4)),
    lambda v4: V6(bytes.fromhex("2a0100000001") + v4.packed[:2] + b"\0" + v4.packed[2:] + bytes(5)),
    lambda v4: V6(int(V6("2a01:1::5efe:0:0")) | int(v4)),
    lambda v4: V6(int(V6("2001:0:808:808::")) | (int(v4) ^ 0xFFFFFFFF)),
]

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
    "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e",
    "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.1.1",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::192.168.1.1",
    "64:ff9b:1::808:808", "2002:7f00:1::", "2002:c0a8:101::1", "2001::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
]  # fmt: skip

METADATA_SERVICES = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::a9fe:a9fe",
]  # fmt: skip


def parsed(text: str) -> Address:
    return ipaddress.ip_address(text)


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    """The edges of what is not, and what stands for a public address."""
    assert is_public(parsed(text)) and DENY.allow(parsed(text)) and ALLOW.allow(parsed(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(text: str) -> None:
    """Private, loopback, link-local, shared, multicast, reserved, for documents, and what stands for such."""
    assert not is_public(parsed(text)) and not DENY.allow(parsed(text))


@pytest.mark.parametrize("text", METADATA_SERVICES)
def test_metadata_services_never(text: str) -> None:
    """Whatever is allowed, in so many words even, and however the address is written."""
    address = parsed(text)
    written = [make(address) for make in STANDING_FOR + AS_GOOD_AS] if isinstance(address, V4) else []
    everything: list[Address] = [address, *written]
    for one in everything:
        assert is_metadata(one) and not is_public(one), one
        assert not any(
            networks.allow(one) for networks in (ALLOW, Networks.parse(text), Networks.parse("0.0.0.0/0,::/0"))
        )


def test_any_ipv4_address_is_what_stands_for_it() -> None:
    """By each of the ways; and whatever is public is in nobody's private network as Python knows them."""
    chance = random.Random(1)
    for _ in range(5000):
        address = V4(chance.getrandbits(32))
        assert all(reached(make(address)) == address for make in STANDING_FOR)
        assert {is_public(make(address)) for make in STANDING_FOR} == {is_public(address)}
        assert {is_metadata(make(address)) for make in STANDING_FOR + AS_GOOD_AS} == {is_metadata(address)}
        if is_public(address):
            assert address.is_global and not address.is_multicast


def test_any_ipv6_address_outside_of_what_was_given_out() -> None:
    """Is not public, nor are those that Python calls private."""
    chance = random.Random(2)
    for _ in range(5000):
        address = V6(chance.getrandbits(128))
        if is_public(address) and reached(address) == address:
            assert address in ipaddress.IPv6Network("2000::/3") and address.is_global and not address.is_reserved


def test_any_policy() -> None:
    """A network that is named lets in what it holds, and nothing else that is not public; `allow` lets in all of it."""
    chance = random.Random(3)
    for _ in range(2000):
        network = ipaddress.IPv4Network((chance.getrandbits(32), chance.randint(4, 32)), strict=False)
        named = Networks.parse(f"192.168.77.1, {network}")
        inside, outside = network[chance.randrange(network.num_addresses)], V4(chance.getrandbits(32))
        addresses: list[Address] = [inside, outside, *(make(inside) for make in STANDING_FOR)]
        for address in addresses:
            expected = is_public(address) or reached(address) in network or reached(address) == V4("192.168.77.1")
            assert named.allow(address) is (expected and not is_metadata(address)), (network, address)
            assert ALLOW.allow(address) is not is_metadata(address)


@pytest.mark.parametrize("text", ["", "deny", " , "])
def test_nothing_is_allowed(text: str) -> None:
    assert Networks.parse(text) == Networks()


@pytest.mark.parametrize("text", ["10.0.0.0/33", "localhost", "deny, 10.0.0.0/8", "10.0.0.1-10.0.0.9", "*", "DENY"])
def test_settings_that_say_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear"):
        Networks.parse(text)


def test_every_metadata_network_is_tried() -> None:
    """No row of the table without an example here."""
    assert all(any(parsed(text) in network for text in METADATA_SERVICES) for network in METADATA)
