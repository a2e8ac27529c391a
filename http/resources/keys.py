"""/api/v1/keys: several keys a user, each for what it is needed for. Not in the original, which had one."""

import ipaddress
import time
from collections.abc import Iterator
from typing import Annotated, Any

import falcon
from pydantic import BeforeValidator, Field

from warest import accounts
from warest.errors import NotAllowed
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.times import moment
from warest.loose import listed
from warest.scopes import ALL, Scope
from warest.store import Account, ApiKeyRecord, Store

#: Networks, and sessions, that one key may name.
MOST_NAMED = 100

_DAY = 86_400


def _listed(value: object) -> list[str] | None:
    return None if value is None else listed(value, "texts")


def _scopes(value: object) -> list[Scope] | None:
    names = _listed(value)
    if unknown := [name for name in names or () if name not in ALL]:
        raise ValueError(f"there is no scope {unknown[0][:32]!r}; there are {', '.join(Scope)}")
    return None if names is None else [Scope(name) for name in names]


def _networks(value: object) -> list[str]:
    return [str(ipaddress.ip_network(name, strict=False)) for name in _listed(value) or ()]


Names = Annotated[list[str] | None, BeforeValidator(_listed), Field(max_length=MOST_NAMED)]
Scopes = Annotated[list[str] | None, BeforeValidator(_scopes)]
Networks = Annotated[list[str], BeforeValidator(_networks), Field(max_length=MOST_NAMED)]
Moment = Annotated[int | None, BeforeValidator(moment)]


class OfUser(Parameters):
    """`registry`: whose keys, for admins; one's own if it is not named."""

    registry: Word = None


class NewKey(OfUser):
    """`scopes`: what the key may; all if none is named, but for `admin` where sessions are. `sessions`: those that
    it is for, and no others; all if none is named. `addresses`: addresses or networks that it counts at; everywhere
    if none is named. `expiresAt` (ISO date or epoch) or `expiresInDays`: until when; for ever if neither is
    given."""

    __doc__ = f"{__doc__} {OfUser.__doc__}"

    name: Word = Field(None, max_length=100)
    scopes: Scopes = None
    sessions: Names = None
    addresses: Networks = Field(default_factory=list)
    expires_at: Moment = Field(None, alias="expiresAt")
    expires_in_days: float | None = Field(None, alias="expiresInDays", gt=0, le=36_500)


class KeyView(Result):
    """`kind`: first, login or made. `hint`: how the key ends. `sessions` null: all. Times in epoch seconds."""

    id: str
    name: str
    kind: str
    hint: str
    scopes: list[str]
    sessions: list[str] | None
    addresses: list[str]
    createdAt: float
    expiresAt: float | None
    lastUsedAt: float | None
    lastAddress: str | None


class MadeKey(KeyView):
    """`apiKey` is told here only: nothing but its hash is kept."""

    __doc__ = f"{KeyView.__doc__} {__doc__}"

    apiKey: str


class KeysResource:
    """/api/v1/keys"""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("The keys of a user", family=Family.E1, parameters=OfUser, result=KeyView, codes=(Code.USER_NOT_FOUND,))
    def on_get(self, request: falcon.Request, asked: OfUser) -> Answer:
        owner = _owner(self._store, request.context.key, asked.registry)
        names = _names(self._store, owner)
        return Answer([key_shown(key, names) for key in self._store.api_keys.of(owner.registry)], "OK")

    @operation(
        "Make a key",
        family=Family.E1,
        parameters=NewKey,
        result=MadeKey,
        codes=(
            Code.USER_NOT_FOUND, Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.SESSION_NOT_FOUND,
            Code.INVALID_STATE, Code.FORBIDDEN,
        ),
    )  # fmt: skip
    def on_post(self, request: falcon.Request, given: NewKey) -> Answer:
        """Nobody makes a key that opens more than his own."""
        caller: ApiKeyRecord = request.context.key
        owner = _owner(self._store, caller, given.registry)
        if not given.name:
            raise Refusal(Code.MISSING_PARAMETER, "name is required: what the key is for")
        scopes = frozenset(map(Scope, given.scopes or caller.scopes))
        if not scopes <= caller.scopes:
            raise NotAllowed("A key gives no more than it has: " + ", ".join(sorted(scopes - caller.scopes)))
        text, names = accounts.new_key(owner), _names(self._store, owner)
        sessions = _sessions(given.sessions, names)
        if sessions is not None and not given.scopes:
            scopes -= {Scope.ADMIN}
        made = self._store.api_keys.make(
            owner.registry,
            text,
            name=given.name,
            scopes=scopes,
            sessions=sessions,
            addresses=given.addresses or caller.addresses,
            expires_at=_until(given),
        )
        return Answer([key_shown(made, names) | {"apiKey": text}], "Key created")


class KeyResource:
    """/api/v1/keys/{keyId}"""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation(
        "Revoke a key",
        family=Family.E1,
        parameters=OfUser,
        result=KeyView,
        codes=(Code.USER_NOT_FOUND, Code.NOT_FOUND, Code.INVALID_STATE),
    )
    def on_delete(self, request: falcon.Request, asked: OfUser, keyId: str) -> Answer:
        owner = _owner(self._store, request.context.key, asked.registry)
        gone = accounts.revoke_key(self._store, owner, keyId)
        if gone is None:
            raise Refusal(Code.NOT_FOUND, "Key not found")
        return Answer([key_shown(gone, _names(self._store, owner))], "Key revoked")


def routes(store: Store) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/keys", KeysResource(store)
    yield "/api/v1/keys/{keyId}", KeyResource(store)


def key_shown(key: ApiKeyRecord, names: dict[str, str]) -> dict[str, Any]:
    """`names`: the owner's sessions by their ULIDs; those that have gone are not shown."""
    only = key.owner.only
    return KeyView(
        id=key.id,
        name=key.name,
        kind=key.kind,
        hint=key.hint,
        scopes=[scope for scope in Scope if scope in key.scopes],
        sessions=None if only is None else sorted(names[ulid] for ulid in only if ulid in names),
        addresses=list(key.addresses),
        createdAt=key.created_at,
        expiresAt=key.expires_at,
        lastUsedAt=key.last_used_at,
        lastAddress=key.last_address or None,
    ).model_dump()


def _owner(store: Store, caller: ApiKeyRecord, registry: str | None) -> Account:
    """Whose keys are meant: others' only by admins."""
    if registry in (None, caller.owner.registry):
        return caller.owner
    user = store.users.get(registry or "") if caller.owner.is_admin else None
    if user is None:
        raise Refusal(Code.USER_NOT_FOUND, "User not found")
    return user.account


def _names(store: Store, owner: Account) -> dict[str, str]:
    return {record.ulid: record.id for record in store.sessions_of(owner)}


def _sessions(wanted: list[str] | None, names: dict[str, str]) -> list[str] | None:
    """As ULIDs; None: all."""
    ulids = {name: ulid for ulid, name in names.items()}
    if missing := [name for name in wanted or () if name not in ulids]:
        raise Refusal(Code.SESSION_NOT_FOUND, f"There is no session {missing[0][:64]!r}")
    return [ulids[name] for name in wanted] if wanted else None


def _until(given: NewKey) -> float | None:
    until = time.time() + given.expires_in_days * _DAY if given.expires_in_days else given.expires_at
    if until is not None and until <= time.time():
        raise Refusal(Code.INVALID_PARAMETER, "expiresAt is over already")
    return until
