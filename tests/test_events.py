"""The body of an event: key order, and JSON to the byte as JavaScript writes it."""

import json
import random
import shutil
import struct
import subprocess
from typing import Any

import pytest

from warest import events

IDENTITY = events.SessionIdentity("01ULID", "my.session", "my.session", "registry", "Jürgen")


def test_the_envelope_has_the_order_of_the_contract() -> None:
    """event, data, ts, session; data begins with id and ends with eventId and sessionId."""
    event = events.make(IDENTITY, "session_status", {"tags": "open", "b": 1, "a": 2}, event_id="evt_1", ts_ms=17)
    assert event.body.decode() == (
        '{"event":"session_status","data":{"id":"my.session","tags":"open","b":1,"a":2,"eventId":"evt_1",'
        '"sessionId":"my.session"},"ts":17,"session":{"id":"my.session","label":"my.session","registry":"registry",'
        '"username":"Jürgen"}}'
    )
    assert (event.id, event.name, event.ts_ms) == ("evt_1", "session_status", 17)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"), (0.0000001, "1e-7"), (-1.25e-9, "-1.25e-9"), (-6.2, "-6.2"), (0.1, "0.1"),
        (5e-324, "5e-324"), (123456789.125, "123456789.125"), (float("nan"), "null"), (float("-inf"), "null"),
        (2**53, "9007199254740992"), (2**53 + 1, "9007199254740992"), (-(2**64) + 1, "-18446744073709552000"),
        (10**21, "1e+21"), (10**400, "null"), (True, "true"),
    ],
)  # fmt: skip
def test_numbers_as_javascript_writes_them(value: float, text: str) -> None:
    """Number::toString of ECMAScript."""
    assert events.as_javascript(value).decode() == text


def test_array_indexes_come_first() -> None:
    """JavaScript puts them in front, by value; a receiver that parses and writes again must get the same bytes."""
    value = {"b": 1, "10": 2, "2": 3, "a": 4, "01": 5, "4294967295": 6, "-1": 7, "0": 8}
    assert list(json.loads(events.as_javascript(value))) == ["0", "2", "10", "b", "a", "01", "4294967295", "-1"]


def test_half_a_surrogate_pair_costs_no_event() -> None:
    """It becomes a replacement character, and whole pairs stay what they are."""
    assert events.as_javascript({"\udc00": "a\ud83d\ude00b\ud800"}) == '{"�":"a😀b�"}'.encode()


def generated(random: random.Random, depth: int = 0) -> Any:
    """Something that JSON can hold, with an eye for the corners."""
    kind = random.randrange(8 if depth < 4 else 6)
    match kind:
        case 0:
            return "".join(chr(random.choice([*range(0x250), 0x2028, 0x2029, 0xFEFF, 0x1F600])) for _ in range(12))
        case 1:
            return struct.unpack("d", random.randbytes(8))[0]
        case 2:
            return random.choice([1, -1]) * random.random() * 10.0 ** random.randint(-12, 25)
        case 3:
            return random.randint(-(2**53), 2**53) * random.choice([1, 1, 2**10, 2**40])
        case 4:
            return random.choice([True, False, None, 0, -0.0, 1.0, "", '\\"/\b\f\n\r\t\x7f'])
        case 5:
            return float(struct.unpack("f", struct.pack("f", random.uniform(-200, 200)))[0])
        case 6:
            return [generated(random, depth + 1) for _ in range(random.randrange(5))]
        case _:
            keys = [
                str(random.choice([random.randrange(50), random.random(), f"k{random.random()}"])) for _ in range(5)
            ]
            return {key: generated(random, depth + 1) for key in keys}


def test_bytes_are_those_of_javascript() -> None:
    """Node parses and writes again 3000 generated values, and not one byte differs."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("NO NODE on PATH: the bytes are not compared with those of a real JSON.stringify")
    source = random.Random(20261122)
    lines = b"\n".join(events.as_javascript(generated(source)) for _ in range(3000))
    script = """
        const lines = require('fs').readFileSync(0, 'utf8').split('\\n');
        process.stdout.write(lines.map(line => JSON.stringify(JSON.parse(line))).join('\\n'));
    """
    written = subprocess.run([node, "-e", script], input=lines, capture_output=True, check=True).stdout
    for ours, theirs in zip(lines.split(b"\n"), written.split(b"\n"), strict=True):
        assert ours == theirs
