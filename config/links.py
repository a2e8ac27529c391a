"""Links to stored files, as others can follow them."""

import time

from warest.config.settings import Settings
from warest.drivers.storage import Storage


def to_received_file(settings: Settings, files: Storage, key: str) -> tuple[str, int | None]:
    """A link to the file of an incoming message, and until when it is valid (epoch s; None: for good).

    Raises NotFound.
    """
    if files.stat(key).visibility == "public":
        return settings.absolute(files.public_url(key)), None
    seconds = settings.mirror_link_ttl
    return settings.absolute(files.signed_url(key, seconds=seconds)), int(time.time() + seconds)
