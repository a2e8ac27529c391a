"""The settings of what is kept encrypted, and of sessions that move."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from warest.config.kinds import split, variables

#: A shorter text is guessed, characters.
SHORTEST_KEY = 16

#: A passphrase of an exported session has so many characters at least.
SHORTEST_PASSPHRASE = 12


def _keys(value: str) -> str:
    if any(len(key) < SHORTEST_KEY for key in split(value)):
        raise ValueError(f"a key has {SHORTEST_KEY} characters or more; `openssl rand -hex 32` makes a good one")
    return value


class VaultSettings(BaseModel):
    """Keys, and what is locked with a passphrase."""

    secrets_key: Annotated[str, AfterValidator(_keys)] = variables(
        "WAREST_SECRETS_KEY",
        default="",
        secret=True,
        help="Encrypts webhook secrets and the keys of stopped sessions: 64 hexadecimal digits, base64 or any text of "
        "16 characters. Several, separated by commas: the first encrypts, all decrypt. Generated if unset; several "
        "hosts need the same.",
    )
    session_passphrase: str = variables(
        "WAREST_SESSION_PASSPHRASE",
        default="",
        secret=True,
        help="For `warest session export` and `import`, which ask for it otherwise; 12 characters or more.",
    )
    session_file_limit_mb: Annotated[float, Field(gt=0)] = variables(
        "WAREST_SESSION_FILE_MB", default=200, help="Largest file of an exported session that is imported, MB."
    )
