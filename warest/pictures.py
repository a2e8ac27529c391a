"""Pictures that the system draws itself."""

import io

import segno


def qr_data_uri(text: str) -> str:
    """A QR as a PNG data URI, some 300 pixels wide: what phones scan well from a screen."""
    uri: str = segno.make(text, error="m").png_data_uri(scale=5, border=4)
    return uri


def qr_blocks(text: str) -> str:
    """A QR as lines of half blocks, two rows of it in each, light on dark: what a terminal can show."""
    drawn = io.StringIO()
    segno.make(text, error="l", boost_error=False).terminal(drawn, border=2, compact=True)
    return drawn.getvalue()
