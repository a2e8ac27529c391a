"""Pictures that people and groups show of themselves: whatever a request names becomes the JPEG that WhatsApp takes.

Facts: contract, endpoints.md sections 9 and 10; quirk S3 (no path of a file on the server).
"""

from typing import Any

from warest.errors import InvalidInput
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.http.inputs import Inputs
from warest.http.studio import Studio
from warest.spool import ON_ITS_WAY, Spool

#: Both sides, pixels.
_SIDE = 640

_ACTIONS = {"convert": "jpg", "resize": {"width": _SIDE, "height": _SIDE, "fit": "cover"}}

_WRONG = "picture is invalid or unreadable"


class Avatars:
    def __init__(self, inputs: Inputs, studio: Studio, spool: Spool) -> None:
        self._inputs = inputs
        self._studio = studio
        self._spool = spool

    def made(self, picture: str | dict[str, Any] | None) -> str:
        """The JPEG's key in the spool; of a URL, a data URI or base64. Whoever sends it deletes it.

        Raises Refusal, and FetchError of a URL that gives no file.
        """
        if not picture:
            raise Refusal(Code.MISSING_PARAMETER, "picture is required")
        try:
            with (
                self._inputs.opened(picture, hint="base64") as found,
                self._studio.edited(found.pieces, _ACTIONS) as made,
            ):
                return self._spool.put(made.content, mime_type=made.mimetype, seconds=ON_ITS_WAY)
        except InvalidInput:
            raise Refusal(Code.INVALID_PARAMETER, _WRONG) from None
        except Refusal as error:
            if error.app_code is Code.INVALID_PARAMETER:
                raise Refusal(Code.INVALID_PARAMETER, _WRONG) from None
            raise
