"""Errors cross processes as data and come out as what they were."""

import json
import pickle

import pytest

from warest import errors
from warest.errors import DeliveryError, WarestError


def every(error: type[WarestError] = WarestError) -> list[type[WarestError]]:
    """All classes of the tree in warest/errors.py."""
    return [
        error,
        *(child for sub in error.__subclasses__() if sub.__module__ == errors.__name__ for child in every(sub)),
    ]


@pytest.mark.parametrize("kind", every(), ids=lambda kind: kind.__name__)
def test_every_error_survives_json_and_pickle(kind: type[WarestError]) -> None:
    """Class, message and details are the same on the other side, by either way."""
    error = kind("the message", job_id="cmd_1", retry_after=3)
    through_json = WarestError.from_dict(json.loads(json.dumps(error.to_dict())))
    for copy in (through_json, pickle.loads(pickle.dumps(error))):
        assert type(copy) is kind
        assert (copy.message, str(copy), copy.details) == (error.message, "the message", error.details)
        assert copy.retryable == error.retryable and copy.code == kind.__name__


@pytest.mark.parametrize("permanent", [True, False])
def test_a_delivery_error_keeps_whether_it_is_permanent(permanent: bool) -> None:
    """The worker asks for it on the other side."""
    error = DeliveryError("HTTP 410", permanent=permanent, status=410)
    for copy in (WarestError.from_dict(error.to_dict()), pickle.loads(pickle.dumps(error))):
        assert isinstance(copy, DeliveryError) and copy.permanent is permanent and copy.details["status"] == 410


def test_an_error_of_a_newer_release_is_still_one() -> None:
    """What this release does not know comes as the base, with its words."""
    error = WarestError.from_dict({"code": "FromTheFuture", "message": "hm", "details": {"a": 1}})
    assert type(error) is WarestError and error.details == {"a": 1}


def test_the_tree_is_drawn() -> None:
    """The module's docstring names each class."""
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in every())
