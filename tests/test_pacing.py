"""Strangers are written to slowly, so many a day; whoever has written is answered at once."""

import pytest

from warest.config.house import House
from warest.errors import RateLimited
from warest.pacing import Pacing, Rules

ANI, BUDI, CITRA = (f"62811{n}@s.whatsapp.net" for n in range(3))


@pytest.fixture
def pacing(parts: House) -> Pacing:
    return Pacing(parts.redis, "01ULID", Rules(gap=100.0, jitter=0.0, new_chats=2))


def test_who_is_a_stranger(pacing: Pacing) -> None:
    """Whoever has never written, under neither of his names; a group is none."""
    assert pacing.strangers([ANI, "1-2@g.us"]) == [ANI]
    pacing.knows([ANI, "5@lid"])
    assert pacing.strangers([ANI, BUDI, "5@lid"]) == [BUDI] and pacing.strangers([]) == []


def test_the_next_stranger_waits(pacing: Pacing, parts: House) -> None:
    """In whichever process."""
    assert pacing.wait([ANI]) == 0
    other = Pacing(parts.redis, "01ULID", pacing.rules)
    assert 95 < other.wait([BUDI]) <= 100 and 95 < other.wait([BUDI]) <= 100
    assert Pacing(parts.redis, "01OTHER", pacing.rules).wait([BUDI]) == 0


def test_a_day_has_so_many_strangers(parts: House) -> None:
    """One who got a message today already is none of them."""
    pacing = Pacing(parts.redis, "01ULID", Rules(gap=0.0, jitter=0.0, new_chats=2))
    assert [pacing.wait([who]) for who in (ANI, BUDI, ANI)] == [0, 0, 0]
    with pytest.raises(RateLimited) as caught:
        pacing.wait([CITRA])
    assert 0 < caught.value.details["retry_after"] <= 86_401 and pacing.shown()["newChatsToday"] == 2
    assert Pacing(parts.redis, "01ULID", Rules(gap=0.0, jitter=0.0, new_chats=0)).wait([CITRA]) == 0


def test_whatsapp_refuses(pacing: Pacing) -> None:
    """Each time for longer, to a day at most."""
    assert [pacing.refused() for _ in range(3)] == [900, 1800, 3600]
    with pytest.raises(RateLimited) as caught:
        pacing.wait([ANI])
    assert 3590 < caught.value.details["retry_after"] <= 3600 and pacing.shown()["pausedUntil"]
    assert max(pacing.refused() for _ in range(9)) == 86_400
