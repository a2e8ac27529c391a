"""Which storage the settings mean."""

import base64
from pathlib import Path

import pytest

from warest.config import house, reference, secrets
from warest.config.settings import Settings, from_env, names_of
from warest.drivers.storage import Bucket, Folders
from warest.errors import SetupError

#: Every storage variable of the original.
OF_THE_ORIGINAL = [
    "DRIVER", "SHARED_SECRET", "TEMP_TTL_SEC", "LOCAL_DEFAULT_VISIBILITY", "LOCAL_PATH", "LOCAL_PRIVATE_PATH",
    "LOCAL_PUBLIC_PATH", "LOCAL_PUBLIC_URL", "LOCAL_URL", "LOCAL_PRIVATE_URL", "LOCAL_METADATA_PATH",
    "LOCAL_ENCRYPT", "LOCAL_ENCRYPT_PRIVATE", "LOCAL_ENCRYPT_PUBLIC", "LOCAL_ENCRYPTION_KEY", "LOCAL_CHECKSUM",
    "LOCAL_SIGNED_SECRET", "LOCAL_SIGNED_TTL_SEC", "LOCAL_SIGNED_PATH", "LOCAL_PRUNE_MS", "S3_BUCKET",
    "S3_REGION", "S3_ENDPOINT", "S3_FORCE_PATH_STYLE", "S3_SIGNED_TTL_SEC", "S3_PUBLIC_URL", "S3_KEY",
    "S3_SECRET", "S3_SESSION", "S3_ACCELERATE", "S3_ACL", "S3_SSE", "S3_SSE_KMS_KEY", "S3_SSE_CUSTOMER_ALGO",
    "S3_SSE_CUSTOMER_KEY",
]  # fmt: skip


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"WAREST_STORAGE_{name}", value)


def place() -> Folders | Bucket:
    return house.storage_place(from_env())


def test_every_variable_of_the_original_is_honoured_or_explained() -> None:
    """And none both."""
    honoured = {name for field in Settings.model_fields.values() for name in names_of(field)}
    of_the_original = {f"WAREST_STORAGE_{name}" for name in OF_THE_ORIGINAL} | {"WAREST_WEBHOOK_DEFAULT_SECRET"}
    assert of_the_original <= honoured | set(reference.IGNORED)
    assert not honoured & set(reference.IGNORED)


def test_nothing_has_to_be_set() -> None:
    """Folders in the data folder, encrypted with a secret that this installation has made."""
    made = secrets.load(from_env()).storage_secret
    data = Path("data")
    assert place() == Folders(
        data / "private/storages", data / "public/storages", data / "private/storages/.meta", (made,), made
    )
    assert not house.open_storage(from_env()).is_shared


def test_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting arrives; the metadata follows the private folder."""
    given(
        monkeypatch,
        LOCAL_PATH="/priv",
        LOCAL_PUBLIC_PATH="/pub",
        LOCAL_ENCRYPT="false",
        LOCAL_SIGNED_SECRET="sign",
        LOCAL_SIGNED_TTL_SEC="60",
        LOCAL_PUBLIC_URL="https://x/y",
        LOCAL_SIGNED_PATH="/p",
        SHARED_SECRET="s",
    )
    found = place()
    assert isinstance(found, Folders)
    assert (found.private, found.public, found.metadata) == (Path("/priv"), Path("/pub"), Path("/priv/.meta"))
    assert (found.encrypts, found.signing_secret, found.signed_seconds) == (False, "sign", 60)
    assert (found.public_url, found.signed_url) == ("https://x/y", "/p")
    given(monkeypatch, LOCAL_METADATA_PATH="/meta", LOCAL_PRIVATE_URL="https://z")
    found = place()
    assert isinstance(found, Folders) and (found.metadata, found.signed_url) == (Path("/meta"), "https://z")


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of its own comes first, then the shared secret, the generated one, and those that are out of use."""
    made = secrets.load(from_env()).storage_secret
    given(monkeypatch, OLD_KEYS="o1, o2", SHARED_SECRET="s", LOCAL_ENCRYPTION_KEY="k")
    found = place()
    assert isinstance(found, Folders)
    assert (found.keys, found.signing_secret) == (("k", "s", made, "o1", "o2"), "s")
    assert not any(secret in f"{from_env()!r} {found!r}" for secret in ("o1", made))


def test_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting arrives; the folders of this host have no part in it."""
    given(
        monkeypatch,
        DRIVER="S3",
        S3_BUCKET="b",
        S3_REGION="eu",
        S3_ENDPOINT="https://h",
        S3_FORCE_PATH_STYLE="true",
        S3_SIGNED_TTL_SEC="60",
        S3_PUBLIC_URL="https://cdn",
        S3_KEY="k",
        S3_SECRET="hush",
        S3_SESSION="hush",
        S3_ACL="authenticated-read",
        S3_SSE="aws:kms",
        S3_SSE_KMS_KEY="kms",
    )
    assert place() == Bucket(
        "b", "https://h", "eu", "k", "hush", "hush", True, False, "authenticated-read", "aws:kms", "kms", b"", 60,
        "https://cdn",
    )  # fmt: skip
    assert house.open_storage(from_env()).is_shared
    assert "hush" not in f"{from_env()!r} {place()!r}" and not Path("data").exists()


def test_what_a_bucket_is_when_little_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` was always us-east-1."""
    given(monkeypatch, DRIVER="s3", S3_BUCKET="b")
    assert place() == Bucket("b")


@pytest.mark.parametrize("key", ["x" * 32, base64.b64encode(b"x" * 32).decode()])
def test_a_customer_key(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """As it is, or in base64."""
    given(monkeypatch, DRIVER="s3", S3_BUCKET="b", S3_SSE_CUSTOMER_KEY=key)
    found = place()
    assert isinstance(found, Bucket) and found.sse_customer_key == b"x" * 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DRIVER", "ftp"),
        ("S3_SIGNED_TTL_SEC", "604801"),
        ("S3_ACL", "everybody"),
        ("S3_SSE", "rot13"),
        ("S3_SSE_CUSTOMER_KEY", "hush"),
        ("LOCAL_DEFAULT_VISIBILITY", "secret"),
        ("LOCAL_SIGNED_TTL_SEC", "0"),
    ],
)
def test_wrong_values(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """They stop the start, by name; a secret is not repeated."""
    given(monkeypatch, **{name: value})
    with pytest.raises(SetupError, match=f"WAREST_STORAGE_{name}") as caught:
        from_env()
    assert "hush" not in caught.value.message


def test_s3_needs_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said at the start, not at the first file."""
    given(monkeypatch, DRIVER="s3")
    with pytest.raises(SetupError, match="WAREST_STORAGE_S3_BUCKET"):
        from_env()


def test_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute at least, as in the original."""
    given(monkeypatch, TEMP_TTL_SEC="5")
    assert from_env().storage_temp_ttl == 60
