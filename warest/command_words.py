"""What counts as a command in a message (decision 31): words that it begins with, or patterns."""

import re
from collections.abc import Iterable

#: Longest text that patterns are tried on, characters: strangers write it.
LONGEST = 4096


class CommandWords:
    def __init__(self, words: Iterable[str]) -> None:
        """A word, `help` say, is the first of a text in whatever case; `/^order \\d+$/` is a regular expression.

        Raises ValueError for one that is none.
        """
        given = list(words)
        self._patterns = [_pattern(word) for word in given if _is_pattern(word)]
        self._words = {word.lower() for word in given if not _is_pattern(word)}

    def __contains__(self, text: str) -> bool:
        first = text.split(maxsplit=1)[:1]
        if first and first[0].lower() in self._words:
            return True
        return any(pattern.search(text[:LONGEST]) for pattern in self._patterns)


def _is_pattern(word: str) -> bool:
    return len(word) > 2 and word.startswith("/") and word.endswith("/")


def _pattern(word: str) -> re.Pattern[str]:
    try:
        return re.compile(word[1:-1], re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{word} is no regular expression: {error}") from None
