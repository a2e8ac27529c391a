"""The settings of file storage."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationInfo

from warest.config.kinds import Seconds, lower, variables

#: S3's canned ACLs for objects.
Acl = Literal[
    "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
    "bucket-owner-full-control",
]  # fmt: skip


def _needed_by_s3(value: str, info: ValidationInfo) -> str:
    if not value and info.data.get("storage_driver") == "s3":
        raise ValueError("has to be set for WAREST_STORAGE_DRIVER=s3")
    return value


def _customer_key(value: str) -> str:
    if value:
        customer_key(value)
    return value


def customer_key(value: str) -> bytes:
    """The 32 bytes, given as they are, or in base64. Raises ValueError."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except binascii.Error:
        decoded = b""
    for key in (decoded, value.encode()):
        if len(key) == 32:
            return key
    raise ValueError("has to be 32 bytes, as they are or in base64")


Lower = BeforeValidator(lower)


class StorageSettings(BaseModel):
    """Where files lie, and how they are protected."""

    storage_driver: Annotated[Literal["local", "s3"], Lower] = variables(
        "WAREST_STORAGE_DRIVER",
        default="local",
        help="Where files are kept: `local` folders, or `s3` for several hosts.",
    )
    storage_secret: str = variables(
        "WAREST_STORAGE_SHARED_SECRET",
        "WAREST_WEBHOOK_DEFAULT_SECRET",
        default="",
        secret=True,
        help="Encrypts and signs where the next ones are not set; generated if unset.",
    )
    storage_key: str = variables(
        "WAREST_STORAGE_LOCAL_ENCRYPTION_KEY",
        default="",
        secret=True,
        help="Encrypts private files: 64 hex digits, base64, or any text.",
    )
    storage_old_keys: str = variables(
        "WAREST_STORAGE_OLD_KEYS",
        default="",
        secret=True,
        help="Earlier values of the last two, separated by commas: for files that were encrypted with them.",
    )
    storage_signing_secret: str = variables(
        "WAREST_STORAGE_LOCAL_SIGNED_SECRET", default="", secret=True, help="Signs links to private files."
    )
    storage_temp_ttl: Annotated[float, AfterValidator(lambda value: max(60.0, value))] = variables(
        "WAREST_STORAGE_TEMP_TTL_SEC", default=300.0, help="How long a temporary file is kept, 60 or more, s."
    )
    spool_limit_mb: Annotated[float, Field(gt=0)] = variables(
        "WAREST_SPOOL_LIMIT_MB", default=100.0, help="Largest file on its way between processes, MB."
    )
    storage_visibility: Annotated[Literal["private", "public"], Lower] = variables(
        "WAREST_STORAGE_LOCAL_DEFAULT_VISIBILITY",
        default="private",
        help="Mirrored media is `private`, with links that expire, or `public`.",
    )
    storage_private_path: Path | None = variables(
        "WAREST_STORAGE_LOCAL_PATH",
        "WAREST_STORAGE_LOCAL_PRIVATE_PATH",
        default=None,
        help="Folder of private files; default `private/storages` in the data folder.",
    )
    storage_public_path: Path | None = variables(
        "WAREST_STORAGE_LOCAL_PUBLIC_PATH",
        default=None,
        help="Folder of public files; default `public/storages` in the data folder.",
    )
    storage_metadata_path: Path | None = variables(
        "WAREST_STORAGE_LOCAL_METADATA_PATH",
        default=None,
        help="Folder of what is known of each file; default `.meta` in the folder of private files.",
    )
    storage_encrypt: bool = variables(
        "WAREST_STORAGE_LOCAL_ENCRYPT_PRIVATE",
        "WAREST_STORAGE_LOCAL_ENCRYPT",
        default=True,
        help="Encrypt new private files.",
    )
    storage_public_url: str = variables(
        "WAREST_STORAGE_LOCAL_PUBLIC_URL", default="/storages", help="Links to public files begin with it."
    )
    storage_signed_url: str = variables(
        "WAREST_STORAGE_LOCAL_URL",
        "WAREST_STORAGE_LOCAL_PRIVATE_URL",
        "WAREST_STORAGE_LOCAL_SIGNED_PATH",
        default="/storage/private",
        help="Links to private files begin with it.",
    )
    storage_signed_ttl: Seconds = variables(
        "WAREST_STORAGE_LOCAL_SIGNED_TTL_SEC", default=900.0, help="How long a link to a private file is valid, s."
    )

    s3_bucket: Annotated[str, AfterValidator(_needed_by_s3), Field(validate_default=True)] = variables(
        "WAREST_STORAGE_S3_BUCKET", default="", help="Bucket; it must be there."
    )
    s3_region: str = variables("WAREST_STORAGE_S3_REGION", default="auto", help="Its region; `auto` is us-east-1.")
    s3_endpoint: str = variables(
        "WAREST_STORAGE_S3_ENDPOINT", default="", help="S3 server, like `https://HOST:PORT`; AWS if unset."
    )
    s3_access_key: str = variables(
        "WAREST_STORAGE_S3_KEY",
        default="",
        help="Access key; if unset: `AWS_ACCESS_KEY_ID`, then `~/.aws/credentials`, then the role of the machine.",
    )
    s3_secret_key: str = variables("WAREST_STORAGE_S3_SECRET", default="", secret=True, help="Its secret.")
    s3_session: str = variables(
        "WAREST_STORAGE_S3_SESSION", default="", secret=True, help="Session token of temporary keys."
    )
    s3_path_style: bool | None = variables(
        "WAREST_STORAGE_S3_FORCE_PATH_STYLE",
        default=None,
        help="`HOST/bucket` if true, `bucket.HOST` if false; if unset, what AWS wants of AWS, else the first.",
    )
    s3_accelerate: bool = variables(
        "WAREST_STORAGE_S3_ACCELERATE", default=False, help="Use AWS transfer acceleration."
    )
    s3_acl: Acl = variables("WAREST_STORAGE_S3_ACL", default="private", help="Canned ACL of private files.")
    s3_sse: Literal["", "AES256", "aws:kms"] = variables(
        "WAREST_STORAGE_S3_SSE", default="", help="Encryption by the server: `AES256` or `aws:kms`."
    )
    s3_kms_key: str = variables(
        "WAREST_STORAGE_S3_SSE_KMS_KEY", default="", help="Key for `aws:kms`; the account's own if unset."
    )
    s3_customer_key: Annotated[str, AfterValidator(_customer_key)] = variables(
        "WAREST_STORAGE_S3_SSE_CUSTOMER_KEY",
        default="",
        secret=True,
        help="Encryption by the server with this key: 32 bytes, as they are or in base64; over HTTPS only.",
    )
    s3_signed_ttl: Annotated[float, Field(ge=1, le=604_800)] = variables(
        "WAREST_STORAGE_S3_SIGNED_TTL_SEC",
        default=900.0,
        help="How long a link to a private file is valid, 604800 at most, s.",
    )
    s3_public_url: str = variables(
        "WAREST_STORAGE_S3_PUBLIC_URL", default="", help="Links to public files begin with it, say of a CDN."
    )
