"""Where files lie, and how: the options of each driver."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """Folders of this host. Private files are read with any of `keys`, and encrypted with the first of them."""

    private: Path
    public: Path
    metadata: Path
    #: Texts, as they stand in settings, the newest first.
    keys: tuple[str, ...] = field(repr=False)
    signing_secret: str = field(repr=False)
    #: False: new private files are kept as they are.
    encrypts: bool = True
    signed_seconds: float = 900
    public_url: str = "/storages"
    signed_url: str = "/storage/private"


@dataclass(frozen=True)
class Bucket:
    """A bucket of an S3 server. No `access_key`: what the environment, ~/.aws or the machine's role gives."""

    name: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    #: None: as is usual there, bucket.host for AWS and host/bucket for others.
    path_style: bool | None = None
    accelerate: bool = False
    #: A canned ACL of private files; public ones have `public-read`.
    acl: str = "private"
    #: "", "AES256" or "aws:kms"; `sse_customer_key` (32 bytes) wins.
    sse: str = ""
    sse_kms_key: str = ""
    sse_customer_key: bytes = field(default=b"", repr=False)
    signed_seconds: float = 900
    public_url: str = ""
