"""UUIDs and ULIDs: what the original answered."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

Call = Callable[..., testing.Result]


def made(call: Call, **wanted: Any) -> list[str]:
    answer = call("POST", "/misc/uuid/generate", json=wanted).json
    assert (answer["code"], answer["message"]) == (1000, "Identifiers generated")
    data: list[str] = answer["results"][0]["data"]
    return data


@pytest.mark.parametrize(("version", "number"), [("v1", 1), ("v4", 4), (None, 4), ("v9", 4), ("V4", 4)])
def test_versions(call: Call, version: str | None, number: int) -> None:
    assert [uuid.UUID(one).version for one in made(call, version=version, count=3)] == [number] * 3


def test_names_and_nil(call: Call) -> None:
    space = str(uuid.NAMESPACE_DNS)
    assert made(call, version="v5", namespace=space, name="a") == [str(uuid.uuid5(uuid.NAMESPACE_DNS, "a"))]
    assert made(call, version="v3", namespace=space, name="a") == [str(uuid.uuid3(uuid.NAMESPACE_DNS, "a"))]
    assert call("POST", "/misc/uuid/generate?version=nil").json["results"][0]["data"] == [str(uuid.UUID(int=0))]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"version": "v5", "namespace": str(uuid.NAMESPACE_DNS)}, "namespace and name required for v5"),
        ({"version": "v3", "namespace": "no", "name": "a"}, "namespace is not a UUID"),
    ],
)
def test_what_a_name_needs(call: Call, wanted: dict[str, str], message: str) -> None:
    result = call("POST", "/misc/uuid/generate", json=wanted)
    assert (result.status_code, result.json["code"], result.json["message"]) == (400, 2002, message)


@pytest.mark.parametrize(("count", "number"), [(0, 1), (101, 100), ("7", 7), ("many", 1), (1e400, 1), (None, 1)])
def test_the_count_is_bounded(call: Call, count: Any, number: int) -> None:
    query = "" if count is None else f"?count={count}"
    assert len(call("POST", f"/misc/uuid/generate{query}").json["results"][0]["data"]) == number


def test_ulids_and_masks(call: Call) -> None:
    (plain,) = made(call, type="ulid")
    assert len(plain) == 26
    (masked,) = made(call, type="ulid", format="ID-xxxx-xxxx")
    assert masked[:3] == "ID-" and masked[3:5] == plain[:2] and len(masked) == 12
    assert len(made(call, type="ulid", format="x" * 30)[0]) == 26


@pytest.mark.parametrize(
    ("value", "kind", "valid", "version"),
    [
        (str(uuid.UUID(int=0)), None, True, "v0"),
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "uuid", True, "v1"),
        ("6ba7b8109dad11d180b400c04fd430c8", "uuid", False, None),
        ("{6ba7b810-9dad-11d1-80b4-00c04fd430}", "uuid", False, None),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid", True, None),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAU", "ulid", False, None),
        ("81ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid", False, None),
    ],
)
def test_validity(call: Call, value: str, kind: str | None, valid: bool, version: str | None) -> None:
    answer = call("POST", "/misc/uuid/validate", json={"value": value, "type": kind}).json
    assert answer["message"] == "Validation complete"
    verdict = {"isValid": valid, "type": kind or "uuid", "version": version}
    assert answer["results"] == [{"data": verdict}]


def test_nothing_to_check(call: Call) -> None:
    result = call("POST", "/misc/uuid/validate")
    assert (result.status_code, result.json["code"]) == (400, 2001)
