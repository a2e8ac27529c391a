"""/api/v1/misc/uuid: make and check UUIDs and ULIDs.

Facts: contract, endpoints.md section 11, and what the original answered.
"""

import re
import uuid
from typing import Annotated

import falcon
from pydantic import BeforeValidator

from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.ids import new_ulid

MOST = 100

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)


def _count(value: object) -> int:
    """How many; whatever is no number is one, and more than the most is the most."""
    try:
        return min(MOST, max(1, int(float(str(value)))))
    except (ValueError, OverflowError):
        return 1


class Wanted(Parameters):
    """`version`: v1, v3, v4, v5 or nil. `format`: each `x` is the next character of the ULID."""

    type: Word = None
    version: Word = None
    count: Annotated[int, BeforeValidator(_count)] = 1
    namespace: Word = None
    name: Word = None
    format: Word = None


class Made(Result):
    data: list[str]


class Questioned(Parameters):
    value: Word = None
    type: Word = None


class Verdict(Result):
    isValid: bool
    type: str
    version: str | None


class Validity(Result):
    data: Verdict


class Generate:
    """/api/v1/misc/uuid/generate"""

    @operation("Make UUIDs or ULIDs", family=Family.E1, parameters=Wanted, result=Made, codes=(Code.INVALID_PARAMETER,))
    def on_post(self, request: falcon.Request, parameters: Wanted) -> Answer:
        try:
            data = [_new(parameters) for _ in range(parameters.count)]
        except InvalidInput as error:
            raise Refusal(Code.INVALID_PARAMETER, error.message) from None
        return Answer([{"data": data}], "Identifiers generated")


class Validate:
    """/api/v1/misc/uuid/validate"""

    @operation(
        "Check a UUID or ULID",
        family=Family.E1,
        parameters=Questioned,
        result=Validity,
        codes=(Code.MISSING_PARAMETER,),
    )
    def on_post(self, request: falcon.Request, parameters: Questioned) -> Answer:
        if not parameters.value:
            raise Refusal(Code.MISSING_PARAMETER, "value is required")
        return Answer([{"data": _verdict(parameters.value, parameters.type).model_dump()}], "Validation complete")


def _new(wanted: Wanted) -> str:
    if (wanted.type or "").lower() == "ulid":
        return masked(new_ulid(), wanted.format)
    match (wanted.version or "").lower():
        case "v1":
            return str(uuid.uuid1())
        case "nil":
            return str(uuid.UUID(int=0))
        case "v3" | "v5" as version:
            return str(_named(version, wanted.namespace, wanted.name))
    return str(uuid.uuid4())


def _named(version: str, namespace: str | None, name: str | None) -> uuid.UUID:
    if not namespace or not name:
        raise InvalidInput(f"namespace and name required for {version}")
    try:
        space = uuid.UUID(namespace)
    except ValueError:
        raise InvalidInput("namespace is not a UUID") from None
    return uuid.uuid3(space, name) if version == "v3" else uuid.uuid5(space, name)


def masked(ulid: str, mask: str | None) -> str:
    """The ULID in the places of the `x`, as far as it goes."""
    characters = iter(ulid)
    return re.sub("x", lambda _: next(characters, ""), mask) if mask else ulid


def _verdict(value: str, kind: str | None) -> Verdict:
    if (kind or "").lower() == "ulid":
        return Verdict(isValid=bool(_ULID.fullmatch(value)), type="ulid", version=None)
    try:
        found = uuid.UUID(value) if len(value) == 36 else None
    except ValueError:
        found = None
    # Of the nil UUID the original says version 0, as its bits do.
    return Verdict(isValid=found is not None, type="uuid", version=f"v{found.version or 0}" if found else None)
