"""Pictures that the system draws itself."""

import segno


def qr_data_uri(text: str) -> str:
    """A QR as a PNG data URI, some 300 pixels wide: what phones scan well from a screen."""
    uri: str = segno.make(text, error="m").png_data_uri(scale=5, border=4)
    return uri
