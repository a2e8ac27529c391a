"""/api/v1/users: who may use this server. Not in the original, whose users were put into the database by hand."""

from collections.abc import Iterator
from typing import Annotated, Any

import falcon
from pydantic import BeforeValidator, Field

from warest import accounts
from warest.config.kinds import header_text
from warest.errors import Conflict
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Access, Answer, Parameters, Result, Word, operation
from warest.http.resources.auth import Auth, role_of
from warest.http.resources.chats import Pagination, number
from warest.http.resources.keys import KeyView, key_shown
from warest.loose import word
from warest.store import ApiKeyRecord, Store, UserRecord

#: Characters of a name: it goes out with every webhook, in a header.
LONGEST_NAME = 64

_NOT_FOUND = (Code.USER_NOT_FOUND,)


def _name(value: object) -> str | None:
    """What a header can carry."""
    text = (word(value) or "").strip()
    return header_text(text) if text else None


def _given(value: object) -> bool | None:
    """Yes, no, or not said."""
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("it is true or false")


Name = Annotated[str | None, BeforeValidator(_name)]
Choice = Annotated[bool | None, BeforeValidator(_given)]


class Asked(Parameters):
    limit: Annotated[int, number(1, 100, 50)] = 50
    offset: Annotated[int, number(0, 1_000_000, 0)] = 0


class NewUser(Parameters):
    """`password`: one is made if none is given, and told once."""

    json_only = True

    username: Name = Field(None, max_length=LONGEST_NAME)
    password: Word = None
    is_admin: Choice = Field(None, alias="isAdmin")


class ChangedUser(Parameters):
    """What is not named stays. A new `password`, and `isActive` false, end the user's logins on pages."""

    json_only = True

    username: Name = Field(None, max_length=LONGEST_NAME)
    password: Word = None
    is_admin: Choice = Field(None, alias="isAdmin")
    is_active: Choice = Field(None, alias="isActive")


class NewPassword(Parameters):
    json_only = True

    password: Word = None
    new_password: Word = Field(None, alias="newPassword")


class UserView(Result):
    """Of one who is not active no key and no password counts; the sessions go on. Times in epoch seconds."""

    registry: str
    username: str
    role: str
    isAdmin: bool
    isActive: bool
    createdAt: float
    lastLoginAt: float | None
    sessions: int


class MadeUser(UserView):
    """`password` is told here only; null: it is the one that was given."""

    __doc__ = f"{UserView.__doc__} {__doc__}"

    password: str | None


class UserList(Result):
    items: list[UserView]
    pagination: Pagination


class Me(UserView):
    """The caller, and the key that the call was made with."""

    key: KeyView


class UsersResource:
    """/api/v1/users"""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("The users", family=Family.E1, access=Access.ADMIN, parameters=Asked, result=UserList)
    def on_get(self, request: falcon.Request, asked: Asked) -> Answer:
        page = self._store.users.page(limit=asked.limit, offset=asked.offset)
        told = {"limit": asked.limit, "offset": asked.offset, "total": page.total}
        return Answer([{"items": list(map(_shown, page.rows)), "pagination": told}], "OK")

    @operation(
        "Make a user",
        family=Family.E1,
        access=Access.ADMIN,
        parameters=NewUser,
        result=MadeUser,
        codes=(Code.MISSING_PARAMETER, Code.INVALID_STATE),
    )
    def on_post(self, request: falcon.Request, given: NewUser) -> Answer:
        if not given.username:
            raise Refusal(Code.MISSING_PARAMETER, "username is required")
        made = None if given.password else accounts.new_password()
        user = accounts.add_user(
            self._store, given.username, given.password or made or "", is_admin=bool(given.is_admin)
        )
        return Answer([_shown(user) | {"password": made}], "User created")


class UserResource:
    """/api/v1/users/{registry}"""

    def __init__(self, store: Store, auth: Auth) -> None:
        self._store = store
        self._auth = auth

    @operation("A user", family=Family.E1, access=Access.ADMIN, result=UserView, codes=_NOT_FOUND)
    def on_get(self, request: falcon.Request, _: Parameters, registry: str) -> Answer:
        return Answer([_shown(self._user(registry))], "OK")

    @operation(
        "Change a user",
        family=Family.E1,
        access=Access.ADMIN,
        parameters=ChangedUser,
        result=UserView,
        codes=(*_NOT_FOUND, Code.INVALID_STATE),
    )
    def on_patch(self, request: falcon.Request, given: ChangedUser, registry: str) -> Answer:
        before = self._user(registry)
        if given.is_admin is False or given.is_active is False:
            _refuse_losing(before, request.context.key)
        if before.registry == accounts.SEEDED and (given.username or given.password):
            raise Conflict("Name and password of this user come from the settings: change them there.")
        changed = self._store.users.change(
            registry,
            username=given.username,
            password_hash=accounts.hashed(given.password) if given.password else None,
            is_admin=given.is_admin,
            is_active=given.is_active,
        )
        if given.password or given.is_active is False:
            self._auth.sessions.end_all(registry)
        return Answer([_shown(changed)], "User changed")

    @operation(
        "Delete a user who has no sessions any more, with keys, endpoints and events",
        family=Family.E1,
        access=Access.ADMIN,
        result=UserView,
        codes=(*_NOT_FOUND, Code.INVALID_STATE),
    )
    def on_delete(self, request: falcon.Request, _: Parameters, registry: str) -> Answer:
        user = self._user(registry)
        _refuse_losing(user, request.context.key)
        self._store.users.remove(registry)
        self._auth.sessions.end_all(registry)
        return Answer([_shown(user)], "User deleted")

    def _user(self, registry: str) -> UserRecord:
        user = self._store.users.get(registry)
        if user is None:
            raise Refusal(Code.USER_NOT_FOUND, "User not found")
        return user


class MeResource:
    """/api/v1/users/me"""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("Who calls, and what the key may", family=Family.E1, result=Me)
    def on_get(self, request: falcon.Request, _: Parameters) -> Answer:
        key: ApiKeyRecord = request.context.key
        user = self._store.users.get(key.owner.registry)
        if user is None:
            raise Refusal(Code.USER_NOT_FOUND, "User not found")
        names = {record.ulid: record.id for record in self._store.sessions_of(key.owner)}
        return Answer([_shown(user) | {"key": key_shown(key, names)}], "OK")


class PasswordResource:
    """/api/v1/users/me/password"""

    def __init__(self, store: Store, auth: Auth) -> None:
        self._store = store
        self._auth = auth

    @operation(
        "Change one's own password; logins on pages end, keys stay valid",
        family=Family.E1,
        parameters=NewPassword,
        result=UserView,
        codes=(Code.MISSING_PARAMETER, Code.UNAUTHORIZED, Code.INVALID_STATE),
    )
    def on_post(self, request: falcon.Request, given: NewPassword) -> Answer:
        owner = request.context.account
        if not (given.password and given.new_password):
            raise Refusal(Code.MISSING_PARAMETER, "password and newPassword are required")
        if owner.registry == accounts.SEEDED:
            raise Conflict("The password of this user comes from the settings: change it there.")
        new = accounts.hashed(given.new_password)
        self._auth.authenticate(request, owner.username, given.password)
        user = self._store.users.change(owner.registry, password_hash=new)
        self._auth.sessions.end_all(owner.registry)
        return Answer([_shown(user)], "Password changed")


def routes(store: Store, auth: Auth) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/users", UsersResource(store)
    yield "/api/v1/users/me", MeResource(store)
    yield "/api/v1/users/me/password", PasswordResource(store, auth)
    yield "/api/v1/users/{registry}", UserResource(store, auth)


def _refuse_losing(user: UserRecord, key: ApiKeyRecord) -> None:
    """Somebody has to be left who can undo it."""
    if user.registry == accounts.SEEDED:
        raise Conflict("The first admin stays one: the settings make it.")
    if user.registry == key.owner.registry:
        raise Conflict("Nobody takes that from himself: let another admin do it.")


def _shown(user: UserRecord) -> dict[str, Any]:
    return UserView(
        registry=user.registry,
        username=user.username,
        role=role_of(user.account),
        isAdmin=user.is_admin,
        isActive=user.is_active,
        createdAt=user.created_at,
        lastLoginAt=user.last_login_at,
        sessions=user.sessions,
    ).model_dump()
