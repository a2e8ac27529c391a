"""Contact cards, as phones exchange them: vCard 3.0 (RFC 2426)."""

from dataclasses import dataclass
from typing import Any

from warest import ids
from warest.loose import first


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`number` is digits, with the country's; by it WhatsApp knows whom the card shows. All may be empty."""

    name: str = ""
    full_name: str = ""
    number: str = ""
    organization: str = ""
    email: str = ""

    @property
    def shown(self) -> str:
        """What stands on the card in a chat."""
        return self.name or self.full_name


def card_of(told: dict[str, Any], country_code: str) -> Card:
    """A card as callers write it; `country_code` is that of numbers with leading zeros."""
    number = ids.recipient(ids.digits_of(first(told, "phone", "contactPhone")), country_code)
    return Card(
        name=first(told, "name", "fullName", "contactName"),
        full_name=first(told, "fullName", "name", "contactName"),
        number=number.user if number else "",
        organization=first(told, "organization", "org"),
        email=first(told, "email", "contactEmail"),
    )


def write(card: Card) -> str:
    name = _escaped(card.full_name or card.name)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{name};;;", f"FN:{name}"]
    if card.organization:
        lines.append(f"ORG:{_escaped(card.organization)}")
    if card.email:
        lines.append(f"EMAIL:{_escaped(card.email)}")
    if card.number:
        lines.append(f"TEL;type=CELL;type=VOICE;waid={card.number}:+{card.number}")
    return "\n".join([*lines, "END:VCARD"])


def _escaped(text: str) -> str:
    """What has a meaning in a vCard is text again; a line ends where the caller's ends, and not the card's."""
    for sign in "\\,;":
        text = text.replace(sign, f"\\{sign}")
    return "\\n".join(text.splitlines())
