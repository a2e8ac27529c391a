"""The settings of fetching: what the API takes by URL."""

from typing import Annotated

from pydantic import BaseModel, Field

from warest.config.kinds import PrivateNetworks, variables


class FetchSettings(BaseModel):
    """Which hosts may be fetched from, and for how long."""

    fetch_networks: PrivateNetworks = variables(
        "WAREST_FETCH_PRIVATE_NETWORKS",
        default="deny",
        help="What may be fetched besides the public internet: `deny` is nothing, `allow` all, else addresses and "
        "networks, separated by commas. Metadata services of clouds never.",
    )
    fetch_timeout_ms: Annotated[int, Field(ge=1)] = variables(
        "UPLOAD_FETCH_TIMEOUT_MS", default=300_000, help="Longest time that fetching one file may take, ms."
    )
