"""What users write -> what WhatsApp shows. Facts: contract, endpoints.md 0.7; quirk Q13."""

import re

_MARKS = {"b": "*", "strong": "*", "i": "_", "em": "_", "s": "~", "strike": "~", "del": "~", "code": "```"}
_TAG = re.compile(r"</?(b|strong|i|em|s|strike|del|code)>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_BRACKETED_URL = re.compile(r"\[(https?://[^\]\s]+)\]")


def as_whatsapp(text: str) -> str:
    """Known HTML tags become WhatsApp's marks and bracketed URLs bare ones; any other `<...>` is left as it is."""
    text = _BRACKETED_URL.sub(r"\1", text)
    text = _BREAK.sub("\n", text)
    return _TAG.sub(lambda tag: _MARKS[tag[1].lower()], text)


def first_url(text: str) -> str:
    """The first link in a text, without the sign that ends the sentence; empty: there is none."""
    found = _URL.search(text)
    return found[0].rstrip(".,;:!?)]}*_~") if found else ""
