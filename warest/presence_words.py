"""What callers call a presence: all the words that they have for one of commands.PRESENCES.

Facts: contract, endpoints.md 0.7.
"""

_WORDS = {
    "composing": "typing type compose writing text composing",
    "recording": "recording rec audio voice mic microphone ptt",
    "available": "available online",
    "unavailable": "unavailable offline",
    "paused": "paused",
}
_STATES = {word: state for state, words in _WORDS.items() for word in words.split()}


def state_of(word: str | None) -> str:
    """One of commands.PRESENCES for a word that means one, else nothing."""
    return _STATES.get((word or "").strip().lower(), "")
