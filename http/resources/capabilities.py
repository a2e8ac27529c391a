"""What of all this the WhatsApp engine can do: a table of every route, and of what is no route.

`python -m warest.http.resources.capabilities` writes its limits into README.md; a test holds the two against each
other.
"""

import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon
from pydantic import Field

from warest.config.settings import Settings
from warest.http.errors import Family
from warest.http.openapi import operations
from warest.http.operation import Answer, Parameters, Result, operation
from warest.http.support import Limit, Support

#: What people ask for that has no route of its own.
FEATURES: dict[str, Limit | None] = {
    "Events of messages: received, edited, revoked, reactions, files": None,
    "Events of groups": None,
    "The status of others": Limit(Support.NONE, "The contract leaves it out of the events."),
    "History of the phone, right after linking": None,
    "History on demand": Limit(Support.NONE, "The engine cannot ask the phone."),
    "Delivered and read receipts of what was sent": Limit(
        Support.NONE, "To be told of them can end a session (trap 5)."
    ),
    "What the phone does by itself: stars, mutes, archives, deletions for itself": Limit(
        Support.NONE, "The engine takes it in and does not tell."
    ),
    "Files that are gone from WhatsApp's host": Limit(
        Support.NONE, "The engine cannot ask the phone to upload them again."
    ),
    "Reactions and edits in communities that are encrypted once more": Limit(
        Support.NONE, "The engine does not open them."
    ),
    "Texts posted in channels of one's own, with send/text": None,
    "Files posted in channels": Limit(Support.NONE, "Not in the contract."),
    "Which channels there are, what they are, making one": Limit(
        Support.NONE, "The engine ends its process if WhatsApp leaves anything out of its answer (trap 1)."
    ),
    "What channels post": Limit(Support.NONE, "The contract leaves it out of the events."),
    "Communities, besides which groups they have": Limit(Support.NONE, "Not in the contract."),
    "Who writes or speaks just now": Limit(
        Support.NONE, "To be told of it can end a session (trap 5); it can be shown to others."
    ),
    "Calls": Limit(Support.PARTLY, "The engine tells of them and can reject; it can neither answer nor make one."),
}

_BEGIN, _END = "<!-- written by warest.http.resources.capabilities -->", "<!-- until here -->"

_README = Path(__file__).resolve().parents[2] / "README.md"


class Able(Result):
    """`support`: supported, partly, local only or unsupported, on this machine and with these settings; `reason` is
    empty of what is supported."""

    method: str = Field(examples=["POST"])
    path: str = Field(examples=["/api/v1/messages/send/text"])
    summary: str = Field(examples=["Send a text"])
    support: str = Field(examples=[Support.FULL.value])
    reason: str = Field(examples=[""])


class Abilities(Result):
    """`appStateFix`: whether the engine is mended here, so that what one's own devices share reaches the phone."""

    appStateFix: bool
    routes: list[Able]
    features: list[dict[str, str]]


class Capabilities:
    """/api/v1/server/capabilities"""

    def __init__(self, settings: Settings, routes: dict[str, Any]) -> None:
        mended = settings.app_state_fix and is_mendable()
        self._told = Abilities(
            appStateFix=mended,
            routes=[
                Able(method=method, path=path, summary=summary, **_told(limit, mended))
                for method, path, summary, limit in listed(routes)
            ],
            features=[{"name": name, **_told(limit, mended)} for name, limit in FEATURES.items()],
        ).model_dump()

    @operation("What of all this the engine can do", family=Family.E1, result=Abilities)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Answer:
        return Answer([self._told], "Capabilities fetched")


def is_mendable() -> bool:
    """Where the fix of the engine is known to work."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def listed(routes: dict[str, Any]) -> Iterator[tuple[str, str, str, Limit | None]]:
    """Method, path, summary and limit of every route."""
    for path, resource in sorted(routes.items()):
        for method, described in operations(resource):
            yield method.upper(), path.replace(":path}", "}"), described.summary, described.limit


def markdown(routes: dict[str, Any]) -> str:
    """The part of README.md: how many routes of each noun there are, and the limits of those that have one."""
    known = [*listed(routes)]
    nouns: dict[str, list[bool]] = {}
    for _, path, _, limit in known:
        nouns.setdefault(_noun(path), []).append(limit is None or limit.mendable)
    counts = "".join(f"| {noun} | {sum(full)} of {len(full)} |\n" for noun, full in sorted(nouns.items()))
    rows = [(f"`{method} {path}`", limit) for method, path, _, limit in known if limit]
    rows += [(name, limit) for name, limit in FEATURES.items() if limit]
    limits = "".join(f"| {name} | {_word(limit)} | {limit.reason} |\n" for name, limit in rows)
    return (
        f"{_BEGIN}\n| routes of | fully supported |\n|---|---|\n{counts}\n"
        f"| what is limited | | why |\n|---|---|---|\n{limits}{_END}"
    )


def in_readme(text: str) -> str:
    """That part, as README.md has it."""
    found = re.search(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", text, re.DOTALL)
    return found.group() if found else ""


def _word(limit: Limit) -> str:
    return f"supported with the fix, else {limit.support.value}" if limit.mendable else limit.support.value


def _told(limit: Limit | None, mended: bool) -> dict[str, str]:
    if limit is None or (limit.mendable and mended):
        return {"support": Support.FULL.value, "reason": ""}
    return {"support": limit.support.value, "reason": limit.reason}


def _noun(path: str) -> str:
    noun = path.removeprefix("/api/").removeprefix("v1/").strip("/").partition("/")[0]
    return {"group": "groups", "storages": "storage"}.get(noun, noun)


def write_readme() -> None:
    """Of the routes that an application has; an empty one will do."""
    import tempfile

    from warest import store
    from warest.config import house
    from warest.http import app
    from warest.http.metering import Metering

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        store.migrate(house.database(settings))
        parts, files, opened = house.connect(settings), house.open_storage(settings), house.open_store(settings)
        logins = app.logins_of(parts, opened, house.open_limits(settings), "")
        found = app.routes(
            parts, opened, files, logins, app.reporter_of(parts, Metering()), app.streams_of(parts.settings)
        )
    text = _README.read_text()
    _README.write_text(text.replace(in_readme(text), markdown(found)))


if __name__ == "__main__":
    write_readme()
