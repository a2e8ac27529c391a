"""Where a database server is, and as whom to go there."""

from dataclasses import dataclass, field

#: How long a server may take to answer a new connection, s.
CONNECT_PATIENCE = 5

#: How long a migrator waits for another one, s.
LOCK_PATIENCE = 600


@dataclass(frozen=True)
class Server:
    """`port` 0 is the usual one. `ssl`: encrypt, without a look at the certificate."""

    host: str
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    port: int = 0
    ssl: bool = False
