"""Pictures of people and groups: from what a request names to the JPEG that WhatsApp takes."""

from warest.errors import FetchError, InvalidInput
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.inputs import Inputs
from warest.http.studio import Studio
from warest.spool import ON_ITS_WAY, Spool

#: Pixels; WhatsApp's own are so large.
SIDE = 640

_SHAPE = {"convert": "jpg", "resize": {"width": SIDE, "height": SIDE, "fit": "cover"}, "compress": {"quality": 80}}


class Portraits:
    def __init__(self, inputs: Inputs, studio: Studio, spool: Spool) -> None:
        self._inputs = inputs
        self._studio = studio
        self._spool = spool

    def spooled(self, picture: str) -> str:
        """A URL, data URI or base64 as a square JPEG in the spool; its key. Raises Refusal."""
        try:
            with self._inputs.opened(picture) as found, self._studio.edited(found.pieces, _SHAPE) as made:
                return self._spool.put(made.content, seconds=ON_ITS_WAY, mime_type=made.mimetype)
        except (FetchError, InvalidInput) as error:
            raise _invalid() from error
        except Refusal as refusal:
            if refusal.app_code is Code.INVALID_PARAMETER:
                raise _invalid() from refusal
            raise

    def drop(self, key: str) -> None:
        self._spool.delete(key)


def _invalid() -> Refusal:
    return Refusal(Code.INVALID_PARAMETER, "picture is invalid or unreadable")
