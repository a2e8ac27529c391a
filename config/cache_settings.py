"""The settings of the cache: where answers are kept that are asked for often."""

from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, Field

from warest.config.kinds import lower, split, variables

#: As the original: fewer entries, or more sweeps, it did not take.
_LEAST_ENTRIES, _LEAST_SWEEP_MS = 100, 5_000

Driver = Annotated[Literal["local", "redis", "memcached", "mongodb"], BeforeValidator(lower)]


class CacheSettings(BaseModel):
    """Which cache there is. One that is down is stood in for by the memory of each process."""

    cache_driver: Driver = variables(
        "WAREST_CACHING_DRIVER", default="local", help="`local` (memory), `redis`, `memcached` or `mongodb`."
    )
    cache_namespace: str = variables(
        "WAREST_CACHING_NAMESPACE", default="warest", help="What the keys begin with, where several share a cache."
    )
    cache_ttl: Annotated[float, Field(ge=0)] = variables(
        "WAREST_CACHING_DEFAULT_TTL_SEC", default=120, help="How long an answer is kept; 0 keeps none, s."
    )
    cache_local_entries: Annotated[int, Field(ge=_LEAST_ENTRIES)] = variables(
        "WAREST_CACHE_LOCAL_MAX_ENTRIES", default=5_000, help="Most entries in the memory of a process, 100 or more."
    )
    cache_local_mb: Annotated[float, Field(gt=0)] = variables(
        "WAREST_CACHE_LOCAL_MAX_HEAP_MB", default=128, help="Most memory that they take in a process, MB."
    )
    cache_local_sweep_ms: Annotated[int, Field(ge=_LEAST_SWEEP_MS)] = variables(
        "WAREST_CACHE_LOCAL_SWEEP_MS", default=45_000, help="So often what is over is taken out, 5000 or more, ms."
    )
    cache_redis_url: str = variables(
        "WAREST_CACHE_REDIS_URL", default="", secret=True, help="Wins over the parts below: `redis://`, `rediss://`."
    )
    cache_redis_host: str = variables("WAREST_CACHE_REDIS_HOST", default="127.0.0.1", help="Its host.")
    cache_redis_port: int = variables("WAREST_CACHE_REDIS_PORT", default=6379, help="Its port.")
    cache_redis_username: str = variables("WAREST_CACHE_REDIS_USERNAME", default="", help="Its user.")
    cache_redis_password: str = variables(
        "WAREST_CACHE_REDIS_PASSWORD", default="", secret=True, help="The password of that user."
    )
    cache_redis_tls: bool = variables("WAREST_CACHE_REDIS_TLS", default=False, help="Whether to use TLS.")
    cache_redis_prefix: str = variables(
        "WAREST_CACHE_REDIS_PREFIX", default="", help="What the keys there begin with, before the namespace."
    )
    cache_memcached_servers: str = variables(
        "WAREST_CACHE_MEMCACHED_SERVERS", default="127.0.0.1:11211", help="HOST:PORT, several with commas between."
    )
    cache_mongodb_url: str = variables(
        "WAREST_CACHE_MONGODB_URL", default="mongodb://127.0.0.1:27017", secret=True, help="Where MongoDB is."
    )
    cache_mongodb_database: str = variables("WAREST_CACHE_MONGODB_DB", default="warest", help="Its database.")
    cache_mongodb_collection: str = variables(
        "WAREST_CACHE_MONGODB_COLLECTION", default="cacheEntries", help="The collection in it."
    )
    cache_mongodb_ttl_field: str = variables(
        "WAREST_CACHE_MONGODB_TTL_FIELD", default="expireAt", help="The field that says when an entry ends."
    )
    cache_mongodb_pool: Annotated[int, Field(ge=1)] = variables(
        "WAREST_CACHE_MONGODB_POOL", default=5, help="Most connections of a process."
    )

    @property
    def cache_redis(self) -> str:
        """The URL of the parts, if none is given."""
        if self.cache_redis_url:
            return self.cache_redis_url
        user, password = quote(self.cache_redis_username, safe=""), quote(self.cache_redis_password, safe="")
        login = f"{user}:{password}@" if user or password else ""
        return f"redis{'s' * self.cache_redis_tls}://{login}{self.cache_redis_host}:{self.cache_redis_port}/0"

    @property
    def memcached_servers(self) -> tuple[str, ...]:
        return tuple(split(self.cache_memcached_servers))
