"""/api/v1/messages/send/album: what is refused, and that nothing of it stays."""

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from warest.spool import Spool
from warest.store import Account, SessionRecord

Call = Callable[..., testing.Result]

PICTURE, TEXT, EMPTY = "data:image/png;base64,iVBORw0KGgo=", "data:text/plain,x", "data:image/png;base64,"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 2000, "No files or URLs provided"),
        ({"files": [PICTURE]}, 2000, "An album takes at least 2 pictures or videos"),
        ({"files": [PICTURE] * 21}, 2000, "At most 20 files"),
        ({"files": [PICTURE, TEXT]}, 2000, "Invalid media input: a file: neither a picture nor a video"),
        ({"files": [PICTURE, EMPTY]}, 2000, "Invalid media input: a file: This file is empty"),
        ({"files": [PICTURE, "nothing!"]}, 2000, "Invalid media input: a file: neither a URL"),
        ({"files": [PICTURE, PICTURE], "to": ""}, 2001, "Missing or invalid 'to'"),
        ({"files": [PICTURE, PICTURE], "sessionId": "nobody"}, 1101, ""),
    ],
)
def test_albums_that_are_refused(
    call: Call,
    online: Callable[[Account, str], SessionRecord],
    admin: Account,
    spool: Spool,
    body: dict[str, Any],
    code: int,
    message: str,
) -> None:
    online(admin, "s")
    answer = call("POST", "/messages/send/album", json={"sessionId": "s", "to": "628222", **body})
    assert answer.json["code"] == code and answer.json["message"].startswith(message), answer.json
    assert [entry.key for entry in spool._storage.walk("spool/")] == []
