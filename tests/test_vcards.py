"""Contact cards."""

from warest.vcards import Card, write


def test_a_card() -> None:
    """By `waid` phones know the account."""
    card = Card(name="Budi", full_name="Budi Santoso", number="628111", organization="ACME", email="b@example.com")
    assert write(card).split("\n") == [
        "BEGIN:VCARD", "VERSION:3.0", "N:;Budi Santoso;;;", "FN:Budi Santoso", "ORG:ACME", "EMAIL:b@example.com",
        "TEL;type=CELL;type=VOICE;waid=628111:+628111", "END:VCARD",
    ]  # fmt: skip
    assert card.shown == "Budi"


def test_what_has_a_meaning_in_a_card_is_text() -> None:
    """Nobody's name can end a line and begin one of its own."""
    text = write(Card(name="a, b; c\\d\r\nTEL:+666", organization="x\ny"))
    assert "FN:a\\, b\\; c\\\\d\\nTEL:+666\n" in text and "ORG:x\\ny\n" in text
    assert not [line for line in text.split("\n") if line.startswith("TEL")]


def test_an_empty_card() -> None:
    """As the original sends it: nothing is required."""
    assert write(Card()).split("\n") == ["BEGIN:VCARD", "VERSION:3.0", "N:;;;;", "FN:", "END:VCARD"]
