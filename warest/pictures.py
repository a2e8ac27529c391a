"""Pictures that the system draws itself."""

import io

import segno

from warest.errors import InvalidInput


def qr_data_uri(text: str) -> str:
    """A QR as a PNG data URI, some 300 pixels wide: what phones scan well from a screen."""
    uri: str = segno.make(text, error="m").png_data_uri(scale=5, border=4)
    return uri


def qr_blocks(text: str) -> str:
    """A QR as lines of half blocks, two rows of it in each, light on dark: what a terminal can show."""
    drawn = io.StringIO()
    segno.make(text, error="l", boost_error=False).terminal(drawn, border=2, compact=True)
    return drawn.getvalue()


#: Pixels of a module, and modules of the margin, of the QRs that people ask for: those of the original.
_SCALE, _BORDER = 6, 1


def qr(content: str | bytes, kind: str) -> bytes:
    """A QR of a text or of bytes as a file of a kind: png or svg. Raises InvalidInput when it is too much for one."""
    drawn = io.BytesIO()
    try:
        # Never a Micro QR, which phones cannot read.
        made = segno.make(content, error="m", micro=False)
    except segno.DataOverflowError:
        raise InvalidInput("The amount of data is too big to be stored in a QR Code") from None
    made.save(drawn, kind=kind, scale=_SCALE, border=_BORDER)
    return drawn.getvalue()
