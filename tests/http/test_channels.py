"""/api/v1/channels: what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest.store import Account, SessionRecord

Call = Callable[..., testing.Result]


@pytest.mark.parametrize("route", ["follow", "unfollow"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 2001),
        ({"channelId": "628222"}, 2002),
        ({"channelId": "1@newsletter,2@newsletter"}, 2002),
        ({"channelId": "1@newsletter", "sessionId": "nobody"}, 1101),
    ],
)
def test_refusals(
    call: Call,
    online: Callable[[Account, str], SessionRecord],
    admin: Account,
    route: str,
    body: dict[str, Any],
    code: int,
) -> None:
    online(admin, "s")
    assert call("POST", f"/channels/{route}", json={"sessionId": "s", **body}).json["code"] == code
