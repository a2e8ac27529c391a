"""Answers that are asked for often and seldom change, kept for a short time (decision 38).

WhatsApp counts how often it is asked who is there: the same question within a minute or two is answered from the cache.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from warest.drivers.cache import LARGEST, Cache


class Lookups:
    """Answers are what JSON can hold."""

    def __init__(self, cache: Cache, *, namespace: str, seconds: float) -> None:
        """`seconds`: how long answers are kept; 0: not at all."""
        self._cache = cache
        self._namespace = namespace
        self._seconds = seconds

    def each(self, scope: str, asker: str, things: Sequence[str], look: Callable[[list[str]], list[Any]]) -> list[Any]:
        """What is known of each, or what `look` answers of all that are not known, in the same order.

        `asker`: who asks, since not everybody is told the same. Errors of `look` go on to the caller and are not kept.
        """
        keys = {thing: self._key(scope, asker, thing) for thing in things}
        known = {thing: self._known(key) for thing, key in keys.items()}
        missing = [thing for thing, answer in known.items() if answer is None]
        for thing, answer in zip(missing, look(missing) if missing else (), strict=True):
            known[thing] = (answer,)
            self._keep(keys[thing], answer)
        return [answer[0] for thing in things if (answer := known[thing]) is not None]

    def _known(self, key: str) -> tuple[Any] | None:
        content = self._cache.get(key) if self._seconds else None
        return None if content is None else (orjson.loads(content),)

    def _keep(self, key: str, answer: Any) -> None:
        content = orjson.dumps(answer)
        if self._seconds and len(content) <= LARGEST:
            self._cache.put(key, content, self._seconds)

    def _key(self, scope: str, asker: str, thing: str) -> str:
        """No phone number stands in it."""
        digest = hashlib.sha256(orjson.dumps([asker, thing])).hexdigest()
        return f"{self._namespace}:{scope}:{digest}"
