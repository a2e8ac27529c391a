"""How faults are done to connections; what can be asked for is in faults.py.

Faults that strike at a certain point, such as the next login, are taken where that point is: in network.py,
messages.py, pairing.py, proxy.py and media_host.py.
"""

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from warest.errors import Conflict
from warest.sandbox.connection import GRACE, SHORT_GRACE, Connection
from warest.sandbox.faults import Fault
from warest.sandbox.nodes import Node, Value

if TYPE_CHECKING:
    from warest.sandbox.network import Network

_BANNED = 402
_SERVER_TROUBLE = 500


def ask(network: "Network", fault: Fault) -> dict[str, Any]:
    """Let it happen, now or when its time has come."""
    if fault.phone is not None:
        network.accounts.phone(fault.phone)
    if not fault.instant:
        network.faults.add(fault)
        hinder_all(network)
        return fault.show()
    victims = [each for each in network.connections if fault.phone in (None, each.phone) and each.is_open]
    if fault.kind != "drop":
        victims = [each for each in victims if each.device]
    if not victims:
        raise Conflict(f"There is no session{f' of {fault.phone}' if fault.phone else ''} that this could happen to.")
    for victim in victims:
        _INSTANT[fault.kind](network, victim)
    return {"kind": fault.kind, "phone": fault.phone, "sessions": [victim.name for victim in victims]}


def clear(network: "Network") -> None:
    network.faults.clear()
    hinder_all(network)


def hinder_all(network: "Network") -> None:
    for connection in network.connections:
        hinder(network, connection, connection.phone)


def hinder(network: "Network", connection: Connection, phone: str | None) -> None:
    """Make the line as bad as the faults for this phone want it."""
    slow = network.faults.find("slow", phone)
    connection.hinder(
        stalled=network.faults.find("silent", phone) is not None,
        delay=slow.options["milliseconds"] / 1000 if slow else 0,
    )


def of_file(network: "Network", kind: str, name: str) -> Fault | None:
    """What happens now to this file of the media host."""
    return network.faults.take_of_file(kind, lambda message: network.history.brings(message, name))


def fail_login(connection: Connection, fault: Fault) -> None:
    reason = fault.options["reason"]
    attrs: dict[str, Value] = {"reason": str(reason), "location": "frc", "t": str(int(time.time()))}
    if reason == _BANNED:
        attrs |= {name: str(fault.options[name]) for name in ("code", "expire")}
    connection.finish(Node("failure", attrs), grace=SHORT_GRACE if reason >= _SERVER_TROUBLE else GRACE)


def _drop(network: "Network", victim: Connection) -> None:
    assert victim.transport
    victim.transport.abort()


def _replace(network: "Network", victim: Connection) -> None:
    victim.finish(Node("stream:error", {}, [Node("conflict", {"type": "replaced"})]))


def _remove(network: "Network", victim: Connection) -> None:
    assert victim.device
    network.unlink(victim.device)


def _send_unmapped_receipt(network: "Network", victim: Connection) -> None:
    """whatsmeow knows the type and neonize does not, which ends its event thread (trap 5)."""
    assert victim.device
    message_id = "3A" + secrets.token_hex(9).upper()
    attrs: dict[str, Value] = {"from": victim.device.account.lid, "id": message_id, "type": "server-error"}
    victim.send(Node("receipt", attrs | {"t": str(int(time.time()))}))


_INSTANT: dict[str, Callable[["Network", Connection], None]] = {
    "drop": _drop,
    "replaced": _replace,
    "device_removed": _remove,
    "unmapped_receipt": _send_unmapped_receipt,
}
