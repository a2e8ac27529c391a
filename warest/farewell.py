"""The last events of a deleted session still find their receivers.

Where a session's events go stands in the database, and that is gone with it. What is needed to deliver what is still
on its way, the event of the deletion itself among it, stays in Redis for as long as deliveries are tried.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import redis

from warest import keys
from warest.errors import DriverError
from warest.events import SessionIdentity
from warest.receivers import Target
from warest.store import Secrets
from warest.vault import Vault

#: The longest that a delivery is tried, with a margin, s.
KEPT_FOR = 4 * 24 * 3600


def keep(client: "redis.Redis", vault: Vault, targets: Sequence[Target]) -> None:
    """Encrypted, for their secrets are in it; one whose secrets cannot be read hears nothing of it.

    Raises DriverError when Redis is out of reach.
    """
    known = [target for target in targets if target.secrets]
    try:
        for target in known[:1]:
            session = target.identity.ulid
            kept = vault.seal(json.dumps([dataclasses.asdict(each) for each in known]), *_place(session))
            client.set(keys.farewell(session), kept, ex=KEPT_FOR)
    except redis.RedisError as error:
        raise DriverError(f"The session cannot be deleted now, Redis said: {error}") from error


def of(client: "redis.Redis", vault: Vault, session: str) -> tuple[Target, ...]:
    """None at all: this session had none, or was deleted long ago. Raises DriverError when they cannot be read."""
    kept: Any = client.get(keys.farewell(session))
    return tuple(map(_target, json.loads(vault.open(kept.decode(), *_place(session))))) if kept else ()


def _place(session: str) -> tuple[str, ...]:
    return "farewell", session


def _target(told: dict[str, Any]) -> Target:
    identity, secrets = SessionIdentity(**told["identity"]), tuple(Secrets(**each) for each in told["secrets"])
    return Target(**{**told, "identity": identity, "secrets": secrets, "events": tuple(told["events"])})
