"""Files that are larger than memory: no process that they go through grows by more than a few pieces of them."""

import base64
import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support import object_server, web_process
from support.web_process import peak_memory
from warest.config import house
from warest.config.settings import Settings
from warest.drivers import storage

GB = 1_000_000_000

#: What the peak of a process may grow by, MB.
GROWTH = 64

#: Puts or reads a file of so many bytes in 1 MB pieces no two of which are alike; tells its hash, and by how many KB
#: its peak of memory has grown.
WORKER = r"""
import base64, hashlib, json, pickle, random, re, sys
from pathlib import Path
from warest.drivers import storage

def peak():
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0])

what, size = sys.argv[2], int(sys.argv[3])
files = storage.open(pickle.loads(base64.b64decode(sys.argv[1])))
files.put("warm", [b"x"]), files.open("warm").read()
noise, whole, before = random.Random(1).randbytes(1_000_000 - 8), hashlib.sha256(), peak()

def pieces():
    for number in range(size // 1_000_000):
        piece = number.to_bytes(8, "big") + noise
        whole.update(piece)
        yield piece

if what == "put":
    files.put("big", pieces())
else:
    step = 7 * 2**20
    for start in range(0, size, step):
        with files.open("big", start, step) as opened:
            for piece in opened:
                whole.update(piece)
print(json.dumps({"hash": whole.hexdigest(), "grown": peak() - before}))
"""


def worked(place: storage.Folders | storage.Bucket, what: str, size: int) -> str:
    """The hash of what went through a process of its own."""
    argument = base64.b64encode(pickle.dumps(place)).decode()
    command = [sys.executable, "-c", WORKER, argument, what, str(size)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    grown = told["grown"] // 1024
    print(f"{what} of {size // 1_000_000} MB, {type(place).__name__}: its peak grew by {grown} MB")
    assert grown < GROWTH
    return str(told["hash"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_gigabyte_in_folders(tmp_path: Path, redis_url: str) -> None:
    """Sealed by one process, fetched in parts by a signed link from gunicorn."""
    with web_process.running(tmp_path, redis_url) as web:
        settings = Settings(data_dir=tmp_path)
        written = worked(house.storage_place(settings), "put", GB)
        link = f"http://127.0.0.1:{web.port}{house.open_storage(settings).signed_url('big')}"
        with httpx.Client(timeout=60, trust_env=False) as client:
            assert client.get(link, headers={"Range": "bytes=0-9"}).status_code == 206
            before = peak_memory(web.worker)
            assert downloaded(client, link) == written
        grown = peak_memory(web.worker) - before
        print(f"download of 1000 MB: the web process's peak grew by {grown} MB")
        assert grown < GROWTH


def downloaded(client: httpx.Client, link: str) -> str:
    """The hash of a file of 1 GB, fetched in parts of 90 MB."""
    whole, step = hashlib.sha256(), 90_000_000
    for start in range(0, GB, step):
        span = f"bytes={start}-{start + step - 1}"
        with client.stream("GET", link, headers={"Range": span}) as answer:
            assert answer.status_code == 206
            for piece in answer.iter_raw():
                whole.update(piece)
    return whole.hexdigest()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_parts_in_s3() -> None:
    """250 MB, since the server of the tests is slow: in and out by processes of their own."""
    with object_server.running() as server:
        bucket = server.bucket()
        assert worked(bucket, "put", 250_000_000) == worked(bucket, "get", 250_000_000)
