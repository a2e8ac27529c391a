"""Where a database server is, and as whom to go there."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from warest.errors import SetupError

#: How long a server may take to answer a new connection, s.
CONNECT_PATIENCE = 5

#: How long a migrator waits for another one, s.
LOCK_PATIENCE = 600


@dataclass(frozen=True)
class Server:
    """`port` 0 is the usual one. `ssl`: encrypt, and talk to nobody who has no certificate for this host.

    `authorities`: a file of those who may sign it, in place of the system's. Without `verifies` nobody looks at it, and
    whoever is on the way can read and change everything.
    """

    host: str
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    port: int = 0
    ssl: bool = False
    authorities: Path | None = None
    verifies: bool = True

    def trusted(self) -> str:
        """The file of authorities. Raises SetupError when there is none."""
        known = self.authorities or ssl.get_default_verify_paths().cafile
        if known is None or not Path(known).is_file():
            named = known or "the usual place"
            raise SetupError(
                f"There is no file of certificate authorities at {named}: name the one of the database's by "
                "WAREST_DB_SSL_CA."
            )
        return str(known)
