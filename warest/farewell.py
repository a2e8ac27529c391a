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

#: The longest that a delivery is tried, with a margin, s.
KEPT_FOR = 4 * 24 * 3600


def keep(client: "redis.Redis", targets: Sequence[Target]) -> None:
    """Raises DriverError when Redis is out of reach."""
    try:
        for target in targets[:1]:
            kept = json.dumps([dataclasses.asdict(each) for each in targets])
            client.set(keys.farewell(target.identity.ulid), kept, ex=KEPT_FOR)
    except redis.RedisError as error:
        raise DriverError(f"The session cannot be deleted now, Redis said: {error}") from error


def of(client: "redis.Redis", session: str) -> tuple[Target, ...]:
    """None at all: this session had none, or was deleted long ago."""
    kept: Any = client.get(keys.farewell(session))
    return tuple(map(_target, json.loads(kept))) if kept else ()


def _target(told: dict[str, Any]) -> Target:
    identity, secrets = SessionIdentity(**told["identity"]), tuple(Secrets(**each) for each in told["secrets"])
    return Target(**{**told, "identity": identity, "secrets": secrets, "events": tuple(told["events"])})
