"""An S3 server of our own, on loopback: moto, as a process, which checks signatures."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx

from support.waiting import eventually
from warest.drivers import storage
from warest.ids import new_ulid

ALL_OF_S3 = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass(frozen=True)
class ObjectServer:
    url: str
    access_key: str
    secret_key: str

    def client(self, service: str = "s3", **options: Any) -> Any:
        """Another client than ours."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            **options,
        )

    def bucket(self, **options: Any) -> storage.Bucket:
        """A new bucket."""
        name = f"bucket-{new_ulid().lower()}"
        self.client().create_bucket(Bucket=name)
        return storage.Bucket(
            name, endpoint=self.url, access_key=self.access_key, secret_key=self.secret_key, path_style=True, **options
        )

    def check_signatures(self, yes: bool) -> None:
        """moto knows those of headers; ones in URLs it cannot check."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content="0" if yes else "inf").raise_for_status()


@contextmanager
def running() -> Iterator[ObjectServer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: httpx.get(f"{url}/moto-api/").status_code == 200, what="the S3 server")
        yield _with_a_user(url)
    finally:
        process.terminate()
        process.wait()


def _with_a_user(url: str) -> ObjectServer:
    users = ObjectServer(url, "nobody", "nothing").client("iam")
    users.create_user(UserName="warest")
    users.put_user_policy(UserName="warest", PolicyName="all", PolicyDocument=json.dumps(ALL_OF_S3))
    key = users.create_access_key(UserName="warest")["AccessKey"]
    server = ObjectServer(url, key["AccessKeyId"], key["SecretAccessKey"])
    server.check_signatures(True)
    return server
