"""Phone numbers as people write them, and the countries they belong to."""

import re


def digits(text: str, country: str) -> str:
    """A number with its country code, without the plus; empty: it is none. `country` is an ISO code or a calling code,
    for one that has none: it begins with a zero, or has a country's length only."""
    plain = re.sub(r"[^0-9+]", "", text)
    if plain.startswith(("+", "00")):
        return plain.replace("+", "").removeprefix("00")
    plain = plain.replace("+", "")
    code = country if country.isdecimal() else _calling_code(country)
    if plain.startswith("0"):
        return f"{code}{plain.lstrip('0')}" if plain.strip("0") else ""
    return plain if not plain or plain.startswith(code) or country_of(plain) else f"{code}{plain}"


def country_of(number: str) -> str | None:
    """The ISO code, where the digits tell it."""
    import phonenumbers  # its tables are large, and asked for by few

    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.region_code_for_number(parsed)


def _calling_code(country: str) -> str:
    import phonenumbers

    return str(phonenumbers.country_code_for_region(country.upper()) or "")
