"""Whatever a receiver writes, it is done or it is said what is wrong with it: nothing of ours breaks."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from warest import commands
from warest.config import house
from warest.config.settings import Settings
from warest.errors import FetchError, InvalidInput
from warest.reactions.actions import DEEDS, GROUPS, PAUSES, SENDS, Action, Incomplete, action
from warest.reactions.deeds import Deeds
from warest.reactions.sends import FileRules, Sends
from warest.reactions.targets import Targets
from warest.sources import Sources
from warest.spool import Spool
from warest.store import Store

FIELDS = (
    "to", "chat", "text", "mentions", "url", "mediaType", "caption", "filename", "transform", "transcode",
    "compression", "webpUrl", "contact", "lat", "lng", "message", "buttons", "list", "lists", "sections",
    "buttonText", "image", "quoted", "key", "keys", "ms", "seconds", "state", "emoji", "duration", "deleteForMe",
    "name", "address",
)  # fmt: skip

WORDS: tuple[Any, ...] = (
    "", " ", "628111", "1@lid", "1@g.us", "@", "x@y", "data:text/plain,x", "data:;base64,%", "{}", "[]", "[[]]", "null",
    "NaN", "1e999", "\0", "²", 0, -1, 2**70, 1.5, float("inf"), True, False, None,
    "composing", "image", "sticker",
)  # fmt: skip

NAMES = (
    *FIELDS, "id", "remoteJid", "fromMe", "participant", "sharp", "resize", "width", "webp", "quality", "poll",
    "values", "forward", "conversation", "imageMessage", "viewOnceMessage", "document", "fullName", "rows", "title",
    "type",
)  # fmt: skip


def anything(dice: random.Random, depth: int) -> Any:
    kind = dice.random()
    if depth == 0 or kind < 0.6:
        return dice.choice(WORDS)
    if kind < 0.75:
        return [anything(dice, depth - 1) for _ in range(dice.randrange(3))]
    return {dice.choice(NAMES): anything(dice, depth - 1) for _ in range(dice.randrange(4))}


def garbage(dice: random.Random) -> Iterator[Action]:
    names = sorted(SENDS | DEEDS | PAUSES)
    for _ in range(3000):
        told = {name: anything(dice, 3) for name in dice.sample(FIELDS, dice.randrange(8))}
        yield action({"to": "628111", **told, "act": dice.choice(names), "type": dice.choice(names)}, "0")


@pytest.mark.parametrize("seed", range(2))
def test_garbage(seed: int, opened: Store, spool: Spool, settings: Settings) -> None:
    """A command that can be written down, or one of three errors."""
    account = opened.account_by_key("admin-key-of-the-tests")
    assert account
    targets = Targets(opened, opened.create_session(account, "ani"), "62")
    sends = Sends(targets, Sources(spool, house.open_fetcher(settings)), FileRules(1000, ("*/*",)))
    deeds = Deeds(targets, 1.0)
    done = 0
    for each in garbage(random.Random(seed)):
        assert each.name not in GROUPS
        try:
            made: Any = sends.order(each) if each.name in SENDS else deeds.steps(each)
        except (InvalidInput, FetchError, Incomplete):
            continue
        done += bool(made)
        for command in made if isinstance(made, list) else [made.command] if made else []:
            assert isinstance(command, float) or commands.decode(json.loads(json.dumps(commands.encode(command))))
    assert done > 100
