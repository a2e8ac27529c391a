"""Where a cache is: what each driver has to be told."""

from dataclasses import dataclass, field

#: An answer of a cache that takes longer is not worth waiting for, s.
PATIENCE = 0.5


@dataclass(frozen=True)
class Memory:
    """Of each process its own. `sweep`: what is over is looked for so often, s."""

    most: int = 5_000
    most_bytes: int = 128 * 1024 * 1024
    sweep: float = 45.0


@dataclass(frozen=True)
class Redis:
    """`url` with whatever it takes to get there."""

    url: str = field(repr=False)
    prefix: str = ""


@dataclass(frozen=True)
class Memcached:
    """`servers`: HOST:PORT each; keys are spread over them."""

    servers: tuple[str, ...]


@dataclass(frozen=True)
class MongoDB:
    """`ttl_field`: the one that the server deletes entries by."""

    url: str = field(repr=False)
    database: str = "warest"
    collection: str = "cacheEntries"
    ttl_field: str = "expireAt"
    pool: int = 5


Place = Memory | Redis | Memcached | MongoDB
