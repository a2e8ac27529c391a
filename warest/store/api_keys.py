"""The queries about API keys: whose a key is, and what it may. Of a key only its hash is kept, and its end."""

import hashlib
import time
from collections.abc import Collection

from pony.orm import desc

from warest import entities, scopes
from warest.errors import Conflict, InvalidInput, NotFound
from warest.ids import new_ulid
from warest.scopes import Scope
from warest.store import fitting
from warest.store.account_records import FIRST, LOGIN, MADE, ApiKeyRecord
from warest.store.noun import Noun
from warest.store.records import Account
from warest.store.schema import transaction

#: Keys that a user may make, besides those of logins.
MOST = 100

#: A key that is used all the time is noted so often, s.
NOTED_EVERY = 60.0

#: Characters of a key that are shown; it has many more.
_HINT = 4


class ApiKeys(Noun):
    def holder(self, api_key: str) -> ApiKeyRecord | None:
        """What is known of a key, if it opens anything: by the hash of all of it, in its case (quirk S5)."""
        fingerprint = key_hash(api_key)
        with transaction():
            if first := self._entities.User.get(api_key=fingerprint):
                return _first(first) if first.is_active else None
            row = self._entities.ApiKey.get(hash=fingerprint)
            if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
                return None
            user = self._entities.User.get(registry=row.registry)
            return _key(row, user) if user and user.is_active else None

    def of(self, registry: str) -> list[ApiKeyRecord]:
        """All that a user has, the newest first, expired ones too."""
        with transaction():
            user = self._entities.User.get(registry=fitting.short(registry))
            if user is None:
                return []
            keys = self._entities.ApiKey
            rows = keys.select(lambda row: row.registry == registry).order_by(lambda row: desc(row.id))
            return [*(_key(row, user) for row in rows), _first(user)]

    def make(
        self,
        registry: str,
        api_key: str,
        *,
        name: str,
        scopes: Collection[Scope] = scopes.ALL,
        sessions: Collection[str] | None = None,
        addresses: Collection[str] = (),
        expires_at: float | None = None,
    ) -> ApiKeyRecord:
        """One more key for a user; `sessions` are ULIDs.

        Raises NotFound without him, Conflict when he has too many, and InvalidInput for one that is for some sessions
        and yet for other keys.
        """
        if sessions is not None and Scope.ADMIN in scopes:
            raise InvalidInput("A key for some sessions only cannot have the scope admin.")
        with transaction():
            user = self._locked(registry)
            keys = self._entities.ApiKey
            if keys.select(lambda row: row.registry == registry and row.kind == MADE).count() >= MOST:
                raise Conflict(f"There are {MOST} keys already: revoke some that are not used any more.")
            row = self._add(registry, api_key, MADE, name, scopes, expires_at)
            row.set(
                sessions=None if sessions is None else fitting.dump(sorted(sessions)),
                addresses=fitting.dump(list(addresses)),
            )
            row.flush()
            return _key(row, user)

    def add_login(self, owner: Account, api_key: str, *, name: str, expires_at: float, keep: int) -> None:
        """A key that a login makes, until `expires_at`. The newest `keep` such stay, and none that has expired."""
        now, registry = time.time(), owner.registry
        with transaction():
            self._locked(registry)  # his other logins wait here
            self._add(registry, api_key, LOGIN, name, scopes.ALL, expires_at)
            self._entities.db.flush()
            keys = self._entities.ApiKey
            logins = keys.select(lambda row: row.registry == registry and row.kind == LOGIN)
            logins.filter(lambda row: row.expires_at <= now).delete(bulk=True)
            newest_first = logins.order_by(lambda row: (desc(row.created_at), desc(row.id)))
            if surplus := [row.id for row in newest_first[:][keep:]]:
                keys.select(lambda row: row.id in surplus).delete(bulk=True)

    def revoke(self, registry: str, id: str, *, instead: str = "") -> ApiKeyRecord | None:
        """It opens nothing from now on; None: he has no such key. In place of the first one of all comes `instead`,
        of which nobody is told."""
        with transaction():
            user = self._entities.User.get_for_update(registry=fitting.short(registry))
            if user is not None and user.id == id:
                gone = _first(user)
                user.set(api_key=key_hash(instead), updated_at=time.time())
                return gone
            row = self._asked(self._entities.ApiKey, id=id, registry=registry)
            if row is None or user is None:
                return None
            gone = _key(row, user)
            row.delete()
            return gone

    def used(self, key: ApiKeyRecord, address: str) -> None:
        """Note when and from where a key was used last, now and then. Of first keys nothing is noted."""
        now = time.time()
        if key.kind == FIRST or (key.last_used_at or 0) > now - NOTED_EVERY:
            return
        with transaction():
            if row := self._entities.ApiKey.get(id=key.id):
                row.set(last_used_at=now, last_address=fitting.short(address, 64))

    def _locked(self, registry: str) -> entities.Row:
        user = self._entities.User.get_for_update(registry=fitting.short(registry))
        if user is None:
            raise NotFound("User not found")
        return user

    def _add(
        self, registry: str, api_key: str, kind: str, name: str, allowed: Collection[Scope], expires_at: float | None
    ) -> entities.Row:
        return self._entities.ApiKey(
            id=new_ulid(),
            registry=registry,
            name=fitting.short(name),
            hash=key_hash(api_key),
            kind=kind,
            hint=api_key[-_HINT:],
            scopes=scopes.dumped(allowed),
            created_at=time.time(),
            expires_at=expires_at,
        )


def key_hash(api_key: str) -> str:
    """How a key is stored: SHA-256, hex. Keys are long and random, so no salt and no slow hash is needed."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def _first(user: entities.Row) -> ApiKeyRecord:
    return ApiKeyRecord(
        id=user.id,
        owner=Account(user.registry, user.username, user.is_admin),
        name="first key",
        kind=FIRST,
        hint="",
        scopes=scopes.ALL,
        addresses=(),
        created_at=user.created_at,
        expires_at=None,
        last_used_at=None,
        last_address="",
    )


def _key(row: entities.Row, user: entities.Row) -> ApiKeyRecord:
    only = None if row.sessions is None else frozenset(fitting.load(row.sessions))
    return ApiKeyRecord(
        id=row.id,
        owner=Account(user.registry, user.username, user.is_admin, only),
        name=row.name,
        kind=row.kind,
        hint=row.hint,
        scopes=scopes.parsed(row.scopes),
        addresses=tuple(fitting.load(row.addresses)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        last_address=row.last_address,
    )
