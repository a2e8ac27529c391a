"""The parameter `presence` of sends: what is shown before the message comes, in all the words that callers have for it.

Facts: contract, endpoints.md 0.7.
"""

from typing import Annotated

from pydantic import BeforeValidator

#: Of the route: its usual one.
USUAL = "usual"

_WORDS = {
    "composing": "typing type compose writing text composing",
    "recording": "recording rec audio voice mic microphone ptt",
    "available": "available online",
    "unavailable": "unavailable offline",
    "paused": "paused",
}
_STATES = {word: state for state, words in _WORDS.items() for word in words.split()}

_NOTHING = {"", "0", "false", "no", "off", "n", "null", "undefined", "none"}


def _presence(value: object) -> str:
    """One of commands.PRESENCES, USUAL, or nothing. A word that nobody knows is a yes."""
    if isinstance(value, bool):
        return USUAL if value else ""
    if isinstance(value, int | float):
        return USUAL if value > 0 else ""
    if not isinstance(value, str) or (word := value.strip().lower()) in _NOTHING:
        return ""
    return _STATES.get(word, USUAL)


def state_of(word: str | None) -> str:
    """One of commands.PRESENCES for a word that means one, else nothing."""
    return _STATES.get((word or "").strip().lower(), "")


Presence = Annotated[str, BeforeValidator(_presence)]
