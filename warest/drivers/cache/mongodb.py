"""A cache in MongoDB: a document an entry, deleted by a TTL index of the collection."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from warest.drivers.cache import places
from warest.errors import DriverError, SetupError


class MongoCache:
    """The server deletes once a minute: what is over by then is not given out."""

    driver = "mongodb"

    def __init__(self, place: places.MongoDB) -> None:
        self._place = place
        patience_ms = round(places.PATIENCE * 1000)
        try:
            self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
                place.url,
                maxPoolSize=place.pool,
                serverSelectionTimeoutMS=patience_ms,
                connectTimeoutMS=patience_ms,
                socketTimeoutMS=patience_ms,
                waitQueueTimeoutMS=patience_ms,
                retryWrites=False,
                tz_aware=True,
            )
        except PyMongoError as error:
            raise SetupError(f"WAREST_CACHE_MONGODB_URL: {error}") from error

    @cached_property
    def _entries(self) -> Any:
        """With its indexes, which are made when the collection is used first."""
        collection = self._client[self._place.database][self._place.collection]
        collection.create_index("key", unique=True)
        collection.create_index(self._place.ttl_field, expireAfterSeconds=0)
        return collection

    def get(self, key: str) -> bytes | None:
        with _errors():
            found = self._entries.find_one({"key": key})
        if found is None or found[self._place.ttl_field] <= datetime.now(UTC):
            return None
        return bytes(found["value"])

    def put(self, key: str, value: bytes, seconds: float) -> None:
        entry = {"value": value, self._place.ttl_field: datetime.now(UTC) + timedelta(seconds=seconds)}
        with _errors():
            self._entries.update_one({"key": key}, {"$set": entry}, upsert=True)

    def forget(self, key: str) -> None:
        with _errors():
            self._entries.delete_one({"key": key})

    def ping(self) -> str:
        with _errors():
            return str(self._client.server_info()["version"])

    def close(self) -> None:
        self._client.close()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise DriverError(f"The cache is out of reach, MongoDB said: {error}") from error
