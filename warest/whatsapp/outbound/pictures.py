"""The picture that a person or a group shows."""

from typing import Any

from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.outbound.engine import refusal

#: What the engine says of one that there is not, or that we may not see.
_NONE = ("does not have a profile picture", "hidden")


def find(client: Client, address: Any, *, preview: bool = False) -> Any:
    """The engine's ProfilePictureInfo; None: there is none for us. `address` is the engine's."""
    # All three fields have to be said, or none counts.
    how = protos.engine.GetProfilePictureParams(Preview=preview, ExistingID="", IsCommunity=False)
    try:
        found = client.engine.get_profile_picture(address, how)
    except protos.errors.GetProfilePictureError as error:
        if any(words in str(error) for words in _NONE):
            return None
        raise refusal(error) from error
    return found if found.URL else None
