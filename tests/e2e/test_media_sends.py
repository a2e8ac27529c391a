"""Pictures, videos, sound and stickers arrive on the phone as phones send them, whatever they were before."""

import base64
import io
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.product import Product, running
from support.waiting import eventually
from warest.media import ffmpeg

ANI, BUDI = "628130003001", "628130003002"

Send = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One for all: nothing here disturbs the others."""
    with tempfile.TemporaryDirectory(prefix="warest-test-") as folder, running(Path(folder)) as product:
        product.link("ani", ANI)
        product.sandbox("POST", "/phones", json={"phone": BUDI, "name": "Budi"})
        yield product


@pytest.fixture
def send(product: Product) -> Send:
    """Sends a file by a form; the answer's entry."""

    def one(route: str, name: str, content: bytes, **fields: str) -> dict[str, Any]:
        given = {"sessionId": "ani", "to": BUDI, **fields}
        answer = product.api("POST", f"/messages/send/{route}", data=given, files={route: (name, content)})
        assert answer["code"] == 1000, answer
        entry: dict[str, Any] = answer["results"][0]
        return entry

    return one


def arrived(product: Product, entry: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What the phone says of the file of a message, and the file."""

    def found() -> list[dict[str, Any]]:
        messages = product.sandbox("GET", f"/phones/{BUDI}/messages", params={"after": 0, "wait": 0})
        return [message["file"] for message in messages if message["id"] == entry["messageId"]]

    file: dict[str, Any] = eventually(found)[0]
    return file, product.media_of(BUDI, entry["messageId"])


def picture(kind: str = "PNG", size: tuple[int, int] = (2000, 1000)) -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(made, kind)
    return made.getvalue()


def played(path: Path, *arguments: str) -> bytes:
    """A file that ffmpeg makes."""
    subprocess.run([ffmpeg.find(), "-nostdin", "-y", "-v", "error", *arguments, str(path)], check=True, timeout=60)
    return path.read_bytes()


def test_a_picture(product: Product, send: Send) -> None:
    """A large PNG becomes a JPEG of a size that phones like, with its thumbnail."""
    entry = send("media", "a.png", picture(), caption="<b>look</b>", compression='{"maxDimension": 640}')
    assert (entry["status"], entry["advancedInfo"]) == (
        "image success",
        {
            "isForwarded": False, "quotedMessageId": None, "caption": "*look*",
            "compression": {"maxDimension": 640}, "mediaKind": "image",
        },
    )  # fmt: skip
    file, content = arrived(product, entry)
    assert (file["kind"], file["mimetype"], file["caption"]) == ("image", "image/jpeg", "*look*")
    assert (file["width"], file["height"]) == Image.open(io.BytesIO(content)).size == (640, 320)
    assert 0 < file["thumbnail"] < 10_000


def test_a_picture_as_it_is(product: Product, send: Send) -> None:
    """By a data URI, to be seen once."""
    content = picture("JPEG", (300, 200))
    body = {
        "sessionId": "ani", "to": BUDI, "compress": False, "viewOnce": True,
        "media": "data:image/jpeg;base64," + base64.b64encode(content).decode(),
    }  # fmt: skip
    answer = product.api("POST", "/messages/send/media", json=body)
    assert answer["results"][0]["advancedInfo"]["viewOnce"] is True
    file, got = arrived(product, answer["results"][0])
    assert (file["viewOnce"], file["wrappers"]) == (True, ["viewOnceMessageV2"])
    assert Image.open(io.BytesIO(got)).size == (300, 200) and len(got) <= len(content)


def test_a_video(product: Product, send: Send, tmp_path: Path) -> None:
    """With sound; its length is told, and a frame of it shown."""
    source = played(
        tmp_path / "a.mkv", "-f", "lavfi", "-i", "testsrc2=s=320x240:d=2:r=10", "-f", "lavfi", "-i", "sine=d=2",
        "-c:v", "mpeg4", "-c:a", "aac",
    )  # fmt: skip
    entry = send("media", "a.mkv", source)
    assert (entry["status"], entry["advancedInfo"]["mediaKind"]) == ("video success", "video")
    file, content = arrived(product, entry)
    assert (file["kind"], file["mimetype"], file["width"], file["height"]) == ("video", "video/mp4", 320, 240)
    assert file["seconds"] == 2 and file["thumbnail"] > 0 and content[4:8] == b"ftyp"


def test_a_gif(product: Product, send: Send) -> None:
    """It becomes a video that plays by itself."""
    frames = [Image.new("RGB", (120, 80), color) for color in ("red", "green", "blue")]
    made = io.BytesIO()
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:], duration=200)
    entry = send("gif", "a.gif", made.getvalue(), caption="ha")
    assert (entry["status"], entry["advancedInfo"]["caption"]) == ("gif success", "ha")
    file, content = arrived(product, entry)
    assert (file["kind"], file["gifPlayback"], file["mimetype"]) == ("gif", True, "video/mp4")
    assert content[4:8] == b"ftyp"


def test_audio_and_a_voice_note(product: Product, send: Send, tmp_path: Path) -> None:
    """A voice note is Opus with a waveform, audio has none."""
    source = played(tmp_path / "a.wav", "-f", "lavfi", "-i", "sine=d=3")
    entry = send("audio", "a.wav", source, isVN="true")
    assert (entry["status"], entry["advancedInfo"]["isVoiceNote"]) == ("ptt success", True)
    file, content = arrived(product, entry)
    assert (file["kind"], file["mimetype"], file["seconds"]) == ("voice", "audio/ogg; codecs=opus", 3)
    assert (file["ptt"], file["waveform"], content[:4]) == (True, 64, b"OggS")
    entry = send("audio", "a.wav", source)
    assert entry["status"] == "audio success"
    file, content = arrived(product, entry)
    assert (file["ptt"], file["seconds"]) == (False, 3) and len(content) < len(source)


def test_a_sticker(product: Product, send: Send) -> None:
    """A square WebP, whatever it was."""
    entry = send("sticker", "a.png", picture())
    assert entry["status"] == "sticker success"
    file, content = arrived(product, entry)
    assert (file["kind"], file["mimetype"], file["width"], file["height"]) == ("sticker", "image/webp", 512, 512)
    assert Image.open(io.BytesIO(content)).size == (512, 512)


@pytest.mark.parametrize(
    ("route", "name", "content", "status", "code", "message"),
    [
        ("media", "a.txt", b"text", 415, 2007, "Unsupported media type for this route"),
        ("media", "a.gif", picture("GIF", (9, 9)), 415, 2007, "Unsupported media type for this route"),
        ("media", "a.png", b"\x89PNG\r\n\x1a\n cut", 400, 2000, "Invalid media input: "),
        ("media", "a.png", b"<html>", 400, 2000, "Invalid media input: "),
        ("audio", "a.png", picture(size=(9, 9)), 415, 2007, "Unsupported audio type"),
        ("audio", "a.mp3", b"ID3 nothing else", 422, 2014, "The voice note could not be made: "),
        ("gif", "a.mp3", b"ID3", 415, 2007, "Unsupported gif type"),
        ("gif", "a.gif", b"GIF89a", 400, 2000, "Invalid gif input: "),
        ("sticker", "a.png", b"no picture", 502, 3013, "The sticker could not be made: "),
    ],
)
def test_what_is_refused(
    product: Product, route: str, name: str, content: bytes, status: int, code: int, message: str
) -> None:
    """With the contract's code, and the reason; nothing of it stays behind."""
    given = {"sessionId": "ani", "to": BUDI, "isVN": "true"}
    url = f"http://127.0.0.1:{product.port}/api/v1/messages/send/{route}"
    answer = product.http.post(
        url, data=given, files={route: (name, content)}, headers={"X-WAREST-API-KEY": product.key}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].startswith(message) and answer.json()["results"] is None
    eventually(lambda: not [path for path in product.data.rglob("spool/*") if path.is_file()])
