"""HTML that people write becomes WhatsApp's marks; everything else is a text."""

import pytest

from warest.texts import as_whatsapp


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("<b>a</b> <strong>b</strong>", "*a* *b*"),
        ("<i>a</i> <em>b</em>", "_a_ _b_"),
        ("<s>a</s> <strike>b</strike> <del>c</del>", "~a~ ~b~ ~c~"),
        ("<code>x</code>", "```x```"),
        ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
        ("<B>loud</B>", "*loud*"),
        ("see [https://a.example/x?y=1] now", "see https://a.example/x?y=1 now"),
        ("[not a url] [ftp://x]", "[not a url] [ftp://x]"),
        ("a < b > c, <unknown> and <bold>", "a < b > c, <unknown> and <bold>"),
        (":smile: \0 😀", ":smile: \0 😀"),
        ("", ""),
    ],
)
def test_texts(written: str, sent: str) -> None:
    """Contract, endpoints.md 0.7, with quirk Q13 mended."""
    assert as_whatsapp(written) == sent
