"""The last events of a deleted session still find their receiver.

Where a session's events go stands in its row of the database, and that is gone with it. What is needed to deliver what
is still on its way, the event of the deletion itself among it, stays in Redis for as long as deliveries are tried.
"""

import dataclasses
import json
from typing import Any

import redis

from warest import keys
from warest.errors import DriverError
from warest.events import SessionIdentity

#: The longest that a delivery is tried, with a margin, s.
KEPT_FOR = 4 * 24 * 3600


@dataclasses.dataclass(frozen=True)
class Receiver:
    """Where the events of a session go. An empty `url` or `secret` means the default one."""

    identity: SessionIdentity
    url: str
    secret: str = dataclasses.field(repr=False)


def keep(client: "redis.Redis", receiver: Receiver) -> None:
    """Raises DriverError when Redis is out of reach."""
    try:
        kept = json.dumps(dataclasses.asdict(receiver))
        client.set(keys.farewell(receiver.identity.ulid), kept, ex=KEPT_FOR)
    except redis.RedisError as error:
        raise DriverError(f"The session cannot be deleted now, Redis said: {error}") from error


def of(client: "redis.Redis", session: str) -> Receiver | None:
    """None: this session was not deleted, or long ago."""
    kept: Any = client.get(keys.farewell(session))
    if kept is None:
        return None
    told = json.loads(kept)
    return Receiver(SessionIdentity(**told["identity"]), told["url"], told["secret"])
