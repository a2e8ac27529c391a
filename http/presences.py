"""The parameter `presence` of sends: what is shown before the message comes, in all the words that callers have for it.

Facts: contract, endpoints.md 0.7.
"""

from typing import Annotated

from pydantic import BeforeValidator

from warest.presence_words import state_of

#: Of the route: its usual one.
USUAL = "usual"

_NOTHING = {"", "0", "false", "no", "off", "n", "null", "undefined", "none"}


def _presence(value: object) -> str:
    """One of commands.PRESENCES, USUAL, or nothing. A word that nobody knows is a yes."""
    if isinstance(value, bool):
        return USUAL if value else ""
    if isinstance(value, int | float):
        return USUAL if value > 0 else ""
    if not isinstance(value, str) or (word := value.strip().lower()) in _NOTHING:
        return ""
    return state_of(word) or USUAL


Presence = Annotated[str, BeforeValidator(_presence)]
