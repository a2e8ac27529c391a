"""Files in a bucket of an S3 server.

What is known of a file stands in the object's own metadata. That goes ahead of the content, but the checksum is known
only after it: a small file is held back until it is; a large one goes up in parts, and is then copied onto itself, on
the server, with all of its metadata. Until then it is there without a checksum.
"""

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO, NoReturn, cast
from urllib.parse import SplitResult, quote, urlsplit

import certifi
import urllib3
from minio import Minio
from minio.commonconfig import REPLACE, CopySource
from minio.credentials.providers import (
    AWSConfigProvider,
    ChainedProvider,
    EnvAWSProvider,
    IamAwsProvider,
    Provider,
    StaticProvider,
)
from minio.error import MinioException, S3Error
from minio.sse import SseCustomerKey

from warest.drivers.storage import Bucket, Entry, Grant, Opened, Source, Storage, Stored, Visibility, metadata
from warest.drivers.storage.source import PIECE, Blocks, Measured
from warest.drivers.storage.stored import NAME_MAX, check_prefix, check_range, clean, guess_mime_type
from warest.errors import DriverError, InvalidInput, NotAllowed, NotFound, SetupError

#: Bytes of one part: what an upload holds in memory, a few times over. S3 allows 10,000 parts, so files of 80 GB.
PART = 8 * 1024 * 1024

#: Longest life of a link that S3 allows, s.
SIGNED_MAX = 7 * 24 * 3600

#: How long the server may take to answer a connection, and between two pieces of an answer, s.
CONNECT_PATIENCE, READ_PATIENCE = 5, 60

#: How often a call is repeated that no answer came to, or one that says so.
RETRIES, FIRST_PAUSE = 3, 0.2

_AWS, _AWS_ACCELERATED = "s3.amazonaws.com", "s3-accelerate.amazonaws.com"

_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]+")


class S3Storage(Storage):
    driver = "s3"
    is_shared = True

    def __init__(self, where: Bucket) -> None:
        self._where = where
        self._bucket = where.name
        self._client = _client(where)
        self._customer_key = SseCustomerKey(where.sse_customer_key) if where.sse_customer_key else None

    def put(
        self,
        key: str,
        content: Source | Iterable[bytes],
        *,
        visibility: Visibility = "private",
        original_name: str = "",
        mime_type: str = "",
        extra: Mapping[str, object] | None = None,
    ) -> Stored:
        key = clean(key)
        original_name = original_name[:NAME_MAX]
        mime_type = mime_type or guess_mime_type(original_name or key)
        headers = {
            **self._protection(visibility),
            **metadata.headers(visibility, original_name, extra),
            "Content-Type": mime_type,
        }
        measured = Measured(content)
        with _failing_to("keep", key, measured):
            blocks = Blocks(measured)
            first = blocks.read(PART)
            if len(first) < PART:
                self._put(key, BytesIO(first), len(first), headers | {"checksum-sha256": measured.checksum})
            else:
                etag = self._put(key, cast(BinaryIO, _Rest(first, blocks)), -1, headers)
                self._add_metadata(key, etag, headers | {"checksum-sha256": measured.checksum})
        return Stored(
            key,
            visibility,
            measured.size,
            mime_type,
            original_name,
            measured.checksum,
            dict(extra or {}),
            time.time(),
        )

    def _put(self, key: str, content: BinaryIO, length: int, headers: dict[str, str]) -> str:
        """The ETag of what was written."""
        # One part after the other: what the client has for several at once leaves its threads behind when one fails.
        written = self._client.put_object(
            self._bucket,
            key,
            content,
            length,
            content_type=headers["Content-Type"],
            metadata=dict(headers),
            sse=self._customer_key,
            part_size=PART,
            num_parallel_uploads=1,
        )
        return str(written.etag)

    def _add_metadata(self, key: str, etag: str, headers: dict[str, str]) -> None:
        """Unless somebody else has put another file there in the meantime: that one has its own."""
        source = CopySource(self._bucket, key, ssec=self._customer_key, match_etag=etag)
        try:
            self._client.copy_object(
                self._bucket,
                key,
                source,
                sse=self._customer_key,
                metadata=dict(headers),
                metadata_directive=REPLACE,
            )
        except S3Error as error:
            if error.code not in ("PreconditionFailed", "NoSuchKey"):
                raise

    def _protection(self, visibility: Visibility) -> dict[str, str]:
        """ACL and encryption. `private` is what S3 does by itself, and buckets without ACLs refuse the word."""
        acl = "public-read" if visibility == "public" else self._where.acl
        headers = {"x-amz-acl": acl} if acl not in ("", "private") else {}
        if self._where.sse and not self._customer_key:
            headers["x-amz-server-side-encryption"] = self._where.sse
            if self._where.sse_kms_key:
                headers["x-amz-server-side-encryption-aws-kms-key-id"] = self._where.sse_kms_key
        return headers

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        key = clean(key)
        check_range(start, length, start + 1)  # whether it is within the file, the server says
        with _failing_to("open", key):
            response = self._client.get_object(self._bucket, key, start, length or 0, ssec=self._customer_key)

        def close() -> None:
            response.close()
            response.release_conn()

        return Opened(metadata.parse(key, response.headers), _pieces(response, key), close)

    def stat(self, key: str) -> Stored:
        key = clean(key)
        with _failing_to("open", key):
            found = self._client.stat_object(self._bucket, key, ssec=self._customer_key)
        return metadata.parse(key, cast(Mapping[str, str], found.metadata))

    def delete(self, key: str) -> None:
        key = clean(key)
        with _failing_to("delete", key):
            self._client.remove_object(self._bucket, key)

    def walk(self, prefix: str = "", after: str = "") -> Iterator[Entry]:
        check_prefix(prefix)
        with _failing_to("list", prefix):
            for found in self._client.list_objects(self._bucket, prefix, recursive=True, start_after=after or None):
                if str(found.object_name).endswith("/"):  # what consoles make of an empty folder
                    continue
                uploaded_at = found.last_modified.timestamp() if found.last_modified else 0.0
                yield Entry(str(found.object_name), found.size or 0, uploaded_at)

    def public_url(self, key: str) -> str:
        return f"{_public_base(self._where)}/{quote(clean(key))}"

    def signed_url(self, key: str, *, seconds: float | None = None, download: str = "") -> str:
        key = clean(key)
        seconds = self._where.signed_seconds if seconds is None else seconds
        if not 1 <= seconds <= SIGNED_MAX:
            raise InvalidInput(f"a link to S3 can last 1 to {SIGNED_MAX} seconds, not {seconds}")
        disposition = {"response-content-disposition": f"attachment; filename*=UTF-8''{quote(download, safe='')}"}
        with _failing_to("sign a link to", key):
            return self._client.get_presigned_url(
                "GET",
                self._bucket,
                key,
                expires=timedelta(seconds=seconds),
                response_headers=cast(Any, disposition) if download else None,
            )

    def grant(self, query: Mapping[str, str]) -> Grant:
        raise NotAllowed("links of this storage lead to the bucket, not here", reason="invalid")

    def tidy(self, older_than: float) -> int:
        """Uploads that nobody goes on with: S3 keeps their parts, and charges for them, until somebody aborts them."""
        latest = datetime.now(UTC) - timedelta(seconds=older_than)
        with _failing_to("tidy", "storage"):
            # The client has no public way to these.
            found = self._client._list_multipart_uploads(self._bucket).uploads
            stale = [upload for upload in found if upload.initiated_time and upload.initiated_time <= latest]
            for upload in stale:
                self._client._abort_multipart_upload(self._bucket, str(upload.object_name), str(upload.upload_id))
        return len(stale)


class _Rest:
    """A stream whose beginning has been read already."""

    def __init__(self, first: bytes, rest: Blocks) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int) -> bytes:
        first, self._first = self._first[:size], self._first[size:]
        return first or self._rest.read(size)


def _endpoint(where: Bucket) -> SplitResult:
    aws = _AWS_ACCELERATED if where.accelerate else _AWS
    url = urlsplit(where.endpoint if "//" in where.endpoint else f"https://{where.endpoint or aws}")
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.netloc) or url.path.strip("/"):
        raise SetupError(f"WAREST_STORAGE_S3_ENDPOINT is {where.endpoint!r}; it has to look like https://HOST:PORT")
    if where.endpoint and where.accelerate:
        raise SetupError("WAREST_STORAGE_S3_ACCELERATE is for AWS; unset it, or WAREST_STORAGE_S3_ENDPOINT")
    if where.sse_customer_key and url.scheme == "http":
        raise SetupError("WAREST_STORAGE_S3_SSE_CUSTOMER_KEY works over HTTPS only: the key goes to the server")
    return url


def _client(where: Bucket) -> Minio:
    url = _endpoint(where)
    http = urllib3.PoolManager(
        maxsize=10,
        timeout=urllib3.Timeout(connect=CONNECT_PATIENCE, read=READ_PATIENCE),
        retries=urllib3.Retry(RETRIES, backoff_factor=FIRST_PAUSE, status_forcelist=[500, 502, 503, 504]),
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
    )
    try:
        client = Minio(
            url.netloc,
            region=where.region,
            secure=url.scheme == "https",
            credentials=_credentials(where),
            http_client=http,
        )
    except ValueError as error:
        raise SetupError(f"WAREST_STORAGE_S3_ENDPOINT, WAREST_STORAGE_S3_REGION: {error}") from error
    if where.path_style is not None:
        choose = client.disable_virtual_style_endpoint if where.path_style else client.enable_virtual_style_endpoint
        choose()  # type: ignore[no-untyped-call]
    return client


def _credentials(where: Bucket) -> Provider:
    if where.access_key:
        return StaticProvider(where.access_key, where.secret_key, where.session_token or None)
    return ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()])


def _public_base(where: Bucket) -> str:
    if where.public_url:
        return where.public_url.rstrip("/")
    if where.endpoint:
        url = _endpoint(where)
        return f"{url.scheme}://" + (
            f"{where.name}.{url.netloc}" if where.path_style is False else f"{url.netloc}/{where.name}"
        )
    return f"https://{where.name}.s3.{where.region}.amazonaws.com"


def _pieces(response: Any, key: str) -> Iterator[bytes]:
    with _failing_to("read", key):
        yield from response.stream(PIECE)


@contextmanager
def _failing_to(do: str, key: str, source: Measured | None = None) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        _raise(error, do, key)
    except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        if source and error is source.error:
            raise
        raise DriverError(f"cannot {do} file {key}: {error}") from error


def _raise(error: S3Error, do: str, key: str) -> NoReturn:
    if error.code in ("NoSuchKey", "NoSuchObject", "ResourceNotFound"):
        raise NotFound(f"no file {key}") from error
    if error.code == "InvalidRange":
        raise InvalidInput(f"that part is not within file {key}") from error
    raise DriverError(f"cannot {do} file {key}: S3 says {error.code}: {error.message}") from error
