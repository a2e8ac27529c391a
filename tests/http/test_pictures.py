"""Pictures made by a worker: nothing is opened here, and nothing stays in the spool."""

import base64
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
from falcon import testing
from PIL import Image

from support.file_host import FileHost, says
from warest import keys
from warest.actors import pictures
from warest.bus import refused
from warest.config.house import House
from warest.errors import Unsupported
from warest.http import studio
from warest.media import ffmpeg
from warest.spool import Spool

Call = Callable[..., testing.Result]


@pytest.fixture
def worker(parts: House, spool: Spool) -> Iterator[None]:
    """As `warest worker` runs it."""
    pictures.declare(parts, spool)
    crew = dramatiq.Worker(parts.broker, queues={keys.MEDIA_QUEUE}, worker_threads=2, worker_timeout=50)
    crew.start()
    yield
    crew.stop(timeout=5000)


@pytest.fixture(autouse=True)
def nothing_is_left(spool: Spool) -> Iterator[None]:
    yield
    assert [entry.key for entry in spool._storage.walk("spool/")] == []


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    made = ["-f", "lavfi", "-i", "testsrc2=s=160x120:d=2:r=10", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([ffmpeg.find(), "-v", "error", *made, str(path)], check=True)
    return path.read_bytes()


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    drawn = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(drawn, kind)
    return drawn.getvalue()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def asked(call: Call, path: str, **given: Any) -> dict[str, Any]:
    answer = call("POST", f"/misc/media/{path}", json=given)
    assert answer.status_code == 200, answer.json
    assert answer.json["message"] == {"thumbnail": "Thumbnails generated", "image": "Image processed"}[path]
    (result,) = answer.json["results"]
    return dict(result)


def shown(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("asks", "size"),
    [
        ({}, (320, 320)),
        ({"width": 40}, (40, 40)),
        ({"width": "64", "height": 20, "count": 2}, (64, 20)),
        ({"width": 1, "height": 9999}, (16, 1024)),
        ({"width": "wide"}, (320, 320)),
    ],
)
def test_a_thumbnail_of_an_image(call: Call, asks: dict[str, Any], size: tuple[int, int]) -> None:
    """One, however many are asked for, as a JPEG of exactly this size."""
    (one,) = asked(call, "thumbnail", file=encoded(picture()), type="image", **asks)["data"]
    made = shown(one["thumbnail"])
    assert (made.format, made.size) == ("JPEG", size)
    assert one["meta"] == {
        "mode": "base64", "mimeType": "image/jpeg", "size": len(base64.b64decode(one["thumbnail"])),
    }  # fmt: skip


@pytest.mark.usefixtures("worker")
def test_thumbnails_of_a_video(call: Call, video: bytes) -> None:
    """Three, or as many as are asked for, also of one behind a URL."""
    assert len(asked(call, "thumbnail", file=f"data:video/mp4;base64,{encoded(video)}", type="VIDEO")["data"]) == 3
    (one,) = asked(call, "thumbnail", data=encoded(video), type="video", width=64, height=48, count=1)["data"]
    assert shown(one["thumbnail"]).size == (64, 48)


@pytest.mark.usefixtures("worker")
def test_a_picture_behind_a_url(application: Callable[..., testing.TestClient], admin_headers: dict[str, str]) -> None:
    client = application(fetch_networks="127.0.0.1")
    with FileHost() as host:
        host.paths["/a.png"] = says(200, picture())
        given = {"url": host.url("/a.png"), "type": "image", "width": 32, "output": "url"}
        answer = client.simulate_post("/api/v1/misc/media/thumbnail", json=given, headers=admin_headers)
    (one,) = answer.json["results"][0]["data"]
    assert one["thumbnail"] == one["meta"]["url"] == f"/storages/{one['meta']['key']}"
    fetched = client.simulate_get(one["thumbnail"])
    assert fetched.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(fetched.content)).size == (32, 32)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("actions", "kind", "size", "performed"),
    [
        ({}, "PNG", (64, 48), ""),
        ({"resize": {"width": 20, "height": 10}}, "PNG", (20, 10), "resized"),
        ({"convert": "JPG", "compress": {"quality": 30}}, "JPEG", (64, 48), "converted compressed"),
        ('{"convert": "webp"}', "WEBP", (64, 48), "converted"),
    ],
)
def test_edited_pictures(call: Call, actions: Any, kind: str, size: tuple[int, int], performed: str) -> None:
    result = asked(call, "image", file=encoded(picture()), actions=actions)
    made = shown(result["data"])
    assert (made.format, made.size) == (kind, size)
    length = len(base64.b64decode(result["data"]))
    name = {"JPEG": "jpg"}.get(kind, kind.lower())
    assert result["details"] == {"format": name, "width": size[0], "height": size[1], "size": length}
    assert result["actionsPerformed"] == {
        name: name in performed.split() for name in ("converted", "resized", "compressed")
    }
    assert result["createdAt"].endswith("Z")
    assert result["meta"] == {"mode": "base64", "mimeType": f"image/{kind.lower()}", "size": length}


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(("target", "kind"), [("jpg", "JPEG"), ("JPEG", "JPEG"), ("webp", "WEBP")])
def test_qr_codes_in_other_formats(call: Call, target: str, kind: str) -> None:
    answer = call("POST", f"/misc/convert-string-toqr/{target}", json={"string": "hello golden"}).json
    assert answer["message"] == f"String converted to QR-friendly {target.upper()} format"
    (result,) = answer["results"]
    assert result["meta"]["mimeType"] == f"image/{kind.lower()}" and result["meta"]["temporary"]
    assert result["data"].endswith({"JPEG": ".jpg", "WEBP": ".webp"}[kind])
    made = Image.open(io.BytesIO(call("GET", result["data"], key=None).content))
    assert (made.format, made.size) == (kind, (138, 138))


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("path", "given", "code", "message"),
    [
        ("thumbnail", {"type": "image"}, 2001, "input is required"),
        ("thumbnail", {"file": "x"}, 2002, "type must be image or video"),
        ("thumbnail", {"file": "x", "type": "audio"}, 2002, "type must be image or video"),
        ("thumbnail", {"file": "x" * 40, "type": "image"}, 2002, "This is not a picture"),
        ("thumbnail", {"file": "x" * 40, "type": "video"}, 2002, ""),
        ("thumbnail", {"file": "x", "type": "image", "output": "tape"}, 2002, "output must be one of"),
        ("image", {}, 2001, "input is required"),
        ("image", {"file": "/etc/hostname"}, 2002, ""),
        ("image", {"file": encoded(picture()), "actions": {"convert": "bmp"}}, 2002, "A picture can be converted to"),
        ("image", {"file": encoded(picture())[:-40]}, 2002, ""),
        ("image", {"file": encoded(picture()), "actions": {"resize": 5}}, 2002, "'resize' has to be"),
        ("image", {"file": encoded(picture()), "actions": 5}, 2000, "Parameter 'actions'"),
    ],
)
def test_what_cannot_be_made(call: Call, path: str, given: dict[str, Any], code: int, message: str) -> None:
    answer = call("POST", f"/misc/media/{path}", json=given)
    assert (answer.status_code, answer.json["code"], answer.json["results"]) == (400, code, [])
    assert answer.json["message"].startswith(message)


def test_no_worker(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever."""
    monkeypatch.setattr(studio, "PATIENCE", 1.0)
    answer = call("POST", "/misc/media/image", json={"file": encoded(picture())})
    assert (answer.status_code, answer.json["code"]) == (504, 8002)


def test_no_ffmpeg(call: Call, serve: Callable[..., None]) -> None:
    serve(keys.MEDIA_QUEUE, "thumbnails", lambda **_: refused(Unsupported("ffmpeg is missing")))
    answer = call("POST", "/misc/media/thumbnail", json={"file": "AAAA", "type": "video"})
    assert (answer.status_code, answer.json["code"]) == (503, 8001)


def test_the_web_process_loads_no_pillow() -> None:
    """A picture that makes it crash or grow then does so in a worker."""
    look = "import sys, warest.http.app; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look]).returncode == 0
