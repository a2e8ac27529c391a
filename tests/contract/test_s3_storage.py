"""What only S3 has: signatures, links that S3 checks, ACLs, encryption by the server, and servers that are away."""

import base64
import dataclasses
import hashlib
import ssl
import time
import urllib.parse
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.config import Config

from support.object_server import ObjectServer
from support.recorder import Recorder, certificate
from warest.drivers import storage
from warest.drivers.storage import Bucket, Storage
from warest.errors import DriverError, InvalidInput, NotAllowed, SetupError

MB = 1024 * 1024


@pytest.fixture
def bucket(s3: ObjectServer) -> Bucket:
    return s3.bucket()


@pytest.fixture
def files(bucket: Bucket) -> Storage:
    return storage.open(bucket)


def test_another_client_reads_it(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """The object is what was put, with the headers that S3 knows; in one part or in several."""
    for content in (b"x" * 1000, b"x" * (17 * MB)):
        files.put("a/b.pdf", [content], original_name="plan.pdf", extra={"a": 1})
        found = s3.client().get_object(Bucket=bucket.name, Key="a/b.pdf")
        assert found["Body"].read() == content and found["ContentType"] == "application/pdf"
        assert found["Metadata"] == {
            "visibility": "private", "original-name": "plan.pdf", "extra": '{"a":1}',
            "checksum-sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip


def test_objects_of_others(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """What another program has put there can be read; a folder that a console has made is none."""
    s3.client().put_object(Bucket=bucket.name, Key="theirs/a.pdf", Body=b"x", Metadata={"extra": "no JSON"})
    s3.client().put_object(Bucket=bucket.name, Key="theirs/", Body=b"")
    known = files.stat("theirs/a.pdf")
    assert (known.visibility, known.size, known.original_name, known.checksum) == ("private", 1, "", "")
    assert [entry.key for entry in files.walk()] == ["theirs/a.pdf"]


@pytest.mark.slow
def test_more_than_a_page(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """S3 gives a list in parts of 1000."""
    client = s3.client()
    for number in range(1005):
        client.put_object(Bucket=bucket.name, Key=f"many/{number:04}", Body=b"")
    assert [entry.key for entry in files.walk("many/")] == [f"many/{number:04}" for number in range(1005)]


def test_only_public_files_are_public(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """By their ACL, in one part or in several; private ones have what the settings say."""
    for content in (b"x", b"x" * (9 * MB)):
        files.put("a", [content], visibility="public")
        files.put("b", [content])
        storage.open(dataclasses.replace(bucket, acl="authenticated-read")).put("c", [content])
        readers = {key: readers_of(s3.client().get_object_acl(Bucket=bucket.name, Key=key)) for key in "abc"}
        assert readers == {"a": {"AllUsers"}, "b": set(), "c": {"AuthenticatedUsers"}}


def readers_of(acl: Any) -> set[str]:
    return {grant["Grantee"]["URI"].rpartition("/")[2] for grant in acl["Grants"] if "URI" in grant["Grantee"]}


def test_links(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """Another implementation signs the same; what is fetched has the name to save it under."""
    files.put("a/b.txt", [b"x"])
    link = files.signed_url("a/b.txt", seconds=60, download='Übersicht "1".txt')
    options = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    other = s3.client(config=options)
    asked = {
        "Bucket": bucket.name,
        "Key": "a/b.txt",
        "ResponseContentDisposition": "attachment; filename*=UTF-8''%C3%9Cbersicht%20%221%22.txt",
    }
    theirs = other.generate_presigned_url("get_object", Params=asked, ExpiresIn=60)
    while query(theirs)["X-Amz-Date"] != query(link)["X-Amz-Date"]:  # a second has gone by between the two
        link = files.signed_url("a/b.txt", seconds=60, download='Übersicht "1".txt')
        theirs = other.generate_presigned_url("get_object", Params=asked, ExpiresIn=60)
    assert query(theirs) == query(link) and query(link)["X-Amz-Expires"] == "60"
    s3.check_signatures(False)
    try:
        answer = httpx.get(link)
    finally:
        s3.check_signatures(True)
    assert answer.content == b"x" and "%C3%9Cbersicht" in answer.headers["content-disposition"]


def query(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def test_how_long_a_link_can_last(files: Storage, bucket: Bucket) -> None:
    """S3 allows seven days; links never come back to us."""
    assert query(files.signed_url("a", seconds=604_800))["X-Amz-Expires"] == "604800"
    assert query(files.signed_url("a"))["X-Amz-Expires"] == str(bucket.signed_seconds)
    for seconds in (604_801, 0, -1):
        with pytest.raises(InvalidInput):
            files.signed_url("a", seconds=seconds)
    with pytest.raises(NotAllowed):
        files.grant(query(files.signed_url("a")))


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"public_url": "https://cdn.example/x/"}, "https://cdn.example/x/a/b.txt"),
        ({"endpoint": "https://s3.example:9000/"}, "https://s3.example:9000/name/a/b.txt"),
        ({"endpoint": "https://s3.example", "path_style": False}, "https://name.s3.example/a/b.txt"),
        ({"region": "eu-west-1"}, "https://name.s3.eu-west-1.amazonaws.com/a/b.txt"),
    ],
)
def test_public_links(options: dict[str, Any], url: str) -> None:
    """At the CDN if there is one, else at the bucket."""
    assert storage.open(Bucket("name", access_key="k", secret_key="s", **options)).public_url("a/b.txt") == url


@pytest.mark.parametrize(
    ("options", "begin"),
    [
        ({}, "https://name.s3.us-east-1.amazonaws.com/a?"),
        ({"path_style": True}, "https://s3.us-east-1.amazonaws.com/name/a?"),
        ({"accelerate": True}, "https://name.s3-accelerate.amazonaws.com/a?"),
        ({"accelerate": True, "region": "eu-west-1"}, "https://name.s3-accelerate.amazonaws.com/a?"),
        ({"endpoint": "http://minio:9000"}, "http://minio:9000/name/a?"),
        ({"endpoint": "minio:9000", "path_style": False}, "https://name.minio:9000/a?"),
    ],
)
def test_where_a_bucket_is(options: dict[str, Any], begin: str) -> None:
    """As a host of its own or as a path."""
    link = storage.open(Bucket("name", access_key="k", secret_key="s", **options)).signed_url("a")
    assert link.startswith(begin)


def test_wrong_keys_and_buckets(s3: ObjectServer, bucket: Bucket) -> None:
    """What S3 says is passed on, without the secret."""
    for wrong in ({"secret_key": "hush"}, {"access_key": "nobody"}, {"name": "not-there"}):
        files = storage.open(dataclasses.replace(bucket, **wrong))  # type: ignore[arg-type]
        with pytest.raises(DriverError) as caught:
            files.put("a", [b"x"])
        assert "hush" not in caught.value.message
    with pytest.raises(DriverError):
        storage.open(dataclasses.replace(bucket, secret_key="hush")).stat("a")


def test_keys_of_the_environment(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no key is set."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.secret_key)
    assert storage.open(dataclasses.replace(bucket, access_key="", secret_key="")).put("a", [b"x"]).size == 1


def test_a_server_that_is_away() -> None:
    """Each call says so, soon."""
    files = storage.open(Bucket("name", endpoint="http://127.0.0.1:1", access_key="k", secret_key="s"))
    began = time.monotonic()
    for call in (lambda: files.put("a", [b"x"]), lambda: files.open("a"), files.ping, lambda: list(files.walk())):
        with pytest.raises(DriverError, match=r"127\.0\.0\.1"):
            call()
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("endpoint", ["ftp://host", "https://", "https://host/path", "https://a b"])
def test_a_wrong_endpoint(endpoint: str) -> None:
    """The start says which setting it is."""
    with pytest.raises(SetupError, match="WAREST_STORAGE_S3_ENDPOINT"):
        storage.open(Bucket("name", endpoint=endpoint, access_key="k", secret_key="s"))


def test_uploads_that_nobody_goes_on_with(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """S3 keeps their parts for ever; young ones are left alone (moto dates all of them back to 2010)."""
    s3.client().create_multipart_upload(Bucket=bucket.name, Key="dead")
    century = 3_000_000_000
    assert (files.tidy(century), files.tidy(3600), files.tidy(3600)) == (0, 1, 0)
    assert s3.client().list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []


def test_metadata_is_added_to_what_was_uploaded(s3: ObjectServer, bucket: Bucket, files: Storage) -> None:
    """A large file gets its checksum last; S3 is told to leave it when another one is there by then.

    moto does not look at that condition, so what it is told is looked at here.
    """
    client: Any = files._client  # type: ignore[attr-defined]
    copy, conditions = client.copy_object, []

    def seen(*arguments: Any, **options: Any) -> Any:
        there = s3.client().head_object(Bucket=bucket.name, Key="a")["ETag"].strip('"')
        conditions.append((arguments[2].gen_copy_headers()["x-amz-copy-source-if-match"], there))
        return copy(*arguments, **options)

    client.copy_object = seen
    files.put("a", [b"x" * (9 * MB)])
    ((told, there),) = conditions
    assert told == there


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({"sse": "AES256"}, {"x-amz-server-side-encryption": "AES256"}),
        ({"sse": "aws:kms"}, {"x-amz-server-side-encryption": "aws:kms"}),
        ({"sse": "aws:kms", "sse_kms_key": "k"}, {"x-amz-server-side-encryption-aws-kms-key-id": "k"}),
        ({"session_token": "t"}, {"x-amz-security-token": "t"}),
        ({"acl": "bucket-owner-full-control"}, {"x-amz-acl": "bucket-owner-full-control"}),
    ],
)
def test_what_goes_out_with_a_file(options: dict[str, Any], headers: dict[str, str]) -> None:
    """Encryption by the server, ACL and session token are headers; nothing is said that was not set."""
    with Recorder() as server:
        place = Bucket("name", endpoint=server.url, access_key="k", secret_key="s", **options)
        storage.open(place).put("a", [b"x"])
    (sent,) = server.received
    assert sent.items() >= headers.items()
    optional = {"x-amz-acl", "x-amz-security-token", "x-amz-server-side-encryption"}
    assert {name for name in sent if name.startswith(tuple(optional))} <= {*headers, "x-amz-server-side-encryption"}


def test_encryption_with_a_key_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes with writing and with reading, over TLS only, and in place of other encryption."""
    key = bytes(range(32))
    options: dict[str, Any] = {"access_key": "k", "secret_key": "s", "sse_customer_key": key, "sse": "AES256"}
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    with Recorder(context) as server:
        files = storage.open(Bucket("name", endpoint=server.url, **options))
        files.put("a", [b"x"])
        files.stat("a")
        files.open("a").close()
    assert len(server.received) == 3
    for sent in server.received:
        assert sent["x-amz-server-side-encryption-customer-key"] == base64.b64encode(key).decode()
        assert "x-amz-server-side-encryption" not in sent
    with Recorder() as plain, pytest.raises(SetupError, match="HTTPS"):
        storage.open(Bucket("name", endpoint=plain.url, **options))
