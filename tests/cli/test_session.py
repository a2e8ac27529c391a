"""`warest session` and `warest send`, as users type them, against a server that runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import segno
from click.testing import CliRunner, Result

from support.console import Console
from support.product import Product, free_port
from support.receiver import Receiver
from support.waiting import eventually
from warest.cli import tables
from warest.cli.main import cli
from warest.client import ApiError
from warest.errors import SetupError

Run = Callable[..., Result]

#: Lines and columns that any QR fits in.
LARGE = (60, 120)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def console(product: Product, *arguments: str, size: tuple[int, int] | None = None) -> Console:
    return Console(*arguments, "--port", str(product.port), "--data", str(product.data), size=size)


def new_phone(product: Product, phone: str, name: str) -> str:
    product.sandbox("POST", "/phones", json={"phone": phone, "name": name})
    return phone


def qr_of(product: Product, session: str) -> str:
    """What the server has just now."""
    answer = product.api("GET", "/session/create", params={"sessionId": session})
    return str(answer["results"][0]["qrString"])


def matrix_of(text: str) -> list[bytes]:
    return list(map(bytes, segno.make(text, error="l", boost_error=False).matrix))


def test_create_shows_the_qr_until_a_phone_has_scanned_it(product: Product) -> None:
    """What stands in the pipe is the session's QR; a new one is shown by itself; then it says whose account it is."""
    phone = new_phone(product, "628130000011", "Budi")
    with console(product, "session", "create", "scanned") as shown:
        eventually(lambda: len(shown.qrs()) == 1)
        old = qr_of(product, "scanned")
        assert shown.qrs() == [matrix_of(old)]
        product.sandbox("POST", "/faults", json={"kind": "drop"})
        eventually(lambda: len(shown.qrs()) == 2)
        new = qr_of(product, "scanned")
        assert new != old and shown.qrs()[1] == matrix_of(new)
        product.sandbox("POST", f"/phones/{phone}/scan", json={"qr": new})
        assert shown.ended() == 0
    assert shown.printed.splitlines()[-1].startswith(f"scanned is open: {phone}")
    assert "Linked devices" in shown.printed and "\x1b" not in shown.printed


def test_create_draws_in_place_on_a_terminal(product: Product) -> None:
    """White on black, with the seconds running; nothing of it is left when the session is open."""
    phone = new_phone(product, "628130000012", "Citra")
    with console(product, "session", "create", "drawn", size=LARGE) as shown:
        eventually(lambda: shown.qrs() and shown.text.count("New in") >= 2)
        qr = qr_of(product, "drawn")
        assert shown.qrs() == [matrix_of(qr)]
        assert "\x1b[38;5;231m\x1b[48;5;16m" in shown.printed
        product.sandbox("POST", f"/phones/{phone}/scan", json={"qr": qr})
        assert shown.ended() == 0
    height = shown.printed[: shown.printed.index("Scan it")].count("\n")
    assert shown.printed.count(f"\x1b[{height}A\x1b[J") == 1
    assert shown.text.splitlines()[-1].startswith(f"drawn is open: {phone}")


def test_create_shows_a_pair_code(product: Product) -> None:
    """The code is typed on the phone; a session that is open needs none."""
    phone = new_phone(product, "628130000013", "Dewi")
    arguments = ("session", "create", "paired", "--pair", f"+{phone}")
    with console(product, *arguments) as shown:
        code = eventually(lambda: shown.text.splitlines()[0])
        eventually(lambda: "Type it on the phone" in shown.text)
        product.sandbox("POST", f"/phones/{phone}/link-code", json={"code": code})
        assert shown.ended() == 0
    assert shown.text.splitlines()[-1].startswith(f"paired is open: {phone}")
    with console(product, *arguments) as again:
        assert again.ended() == 0
    assert len(again.text.splitlines()) == 1


def test_create_says_why_nothing_was_linked(product: Product) -> None:
    """Nobody scanned a QR, which did not fit in anyway; or the session ended by itself, and is not started again."""
    phone = "628130000016"
    product.link("banned", phone)
    product.sandbox("POST", "/faults", json={"kind": "login", "phone": phone, "reason": 402, "times": 2})
    product.sandbox("POST", "/faults", json={"kind": "drop", "phone": phone})
    eventually(lambda: product.session("banned")["state"] == "banned")
    with (
        console(product, "session", "create", "banned") as banned,
        console(product, "session", "create", "cramped", "--timeout", "3", size=(24, 80)) as cramped,
    ):
        assert (banned.ended(), cramped.ended()) == (1, 1)
    assert "banned is banned: " in banned.text and "Wait until the time" in banned.text
    assert "too small: it takes" in cramped.text and "Nobody has linked cramped within 3 s." in cramped.text
    assert product.sandbox("GET", "/faults") == []


def test_the_other_commands(product: Product, warest: Run, receiver: Receiver) -> None:
    """list, show, config, send, reconnect, logout, delete."""
    phone, other = "628130000014", new_phone(product, "628130000015", "Fitri")
    product.link("eka", phone)
    header, *rows = warest("session", "list").stdout.splitlines()
    assert header.split() == ["ID", "STATE", "STATUS", "ACCOUNT", "ADVICE"]
    (row,) = [row for row in rows if row.startswith("eka ")]
    assert row.split()[:4] == ["eka", "open", "open", phone]
    listed = {each["id"]: each for each in json.loads(warest("session", "list", "--json").stdout)}
    assert (listed["eka"]["phone"], listed["eka"]["state"]) == (phone, "open")
    assert f"{phone}@s.whatsapp.net" in warest("session", "show", "eka").stdout
    assert json.loads(warest("session", "show", "eka", "--json").stdout)["id"] == "eka"

    configured = warest("session", "config", "eka", "--webhook", receiver.url, "--secret", "-", stdin="a-secret\n")
    assert configured.stdout == f"Events of eka go to {receiver.url}.\n"
    made = warest("session", "config", "eka", "--webhook", receiver.url).stdout
    assert "only a terminal" in made and "a-secret" not in made
    product.phone_sends(other, phone, "signed")
    assert eventually(lambda: receiver.of("message_received"))[0].is_signed_with("a-secret")

    sent = warest("send", "text", "eka", other, "Hello").stdout.split()
    assert sent[0] == other and len(sent) == 2
    warest("send", "text", "eka", other, "-", stdin="two\nlines\n")
    eventually(lambda: product.texts(other)[-2:] == ["Hello", "two\nlines"])

    pid = product.session_pid("eka")
    assert warest("session", "reconnect", "eka").exit_code == 0
    eventually(lambda: product.session_pid("eka") not in (0, pid))
    product.wait_open("eka")
    assert warest("session", "logout", "eka").stdout == "eka is logged out.\n"
    refused = warest("session", "delete", "eka", stdin="n\n")
    assert refused.exit_code == 1 and "forget everything" in refused.stderr and product.session("eka")
    assert warest("session", "delete", "eka", "--yes").stdout == "eka is deleted.\n"
    with pytest.raises(ApiError, match="not found"):
        warest("session", "show", "eka")


def test_a_secret_never_is_an_argument(warest: Run) -> None:
    """Others see arguments; and nothing on stdin is no secret."""
    refused = warest("session", "config", "any", "--secret", "my-secret", stdin="other\n")
    assert refused.exit_code == 2 and "others could read it" in refused.stderr
    for arguments in (["--secret", "-"], []):
        assert warest("session", "config", "any", *arguments, stdin="").exit_code == 2


def test_a_server_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that says what to do, and no traceback."""
    monkeypatch.setenv("WAREST_API_KEY", "any")
    with Console("session", "list", "--port", str(free_port())) as shown:
        assert shown.ended() == 1
    (line,) = shown.text.splitlines()
    assert line.startswith("warest: No server answers at http://127.0.0.1:") and "`warest up`" in line


def test_whose_key(product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--key-file, WAREST_API_KEY, the admin's of the settings or the data folder; that one for no other machine."""
    url = f"http://127.0.0.1:{product.port}"
    (tmp_path / "right").write_text(f"{product.key}\n")

    def run(*options: str) -> Result:
        return CliRunner().invoke(cli, ["session", "list", *options], catch_exceptions=False)

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # should this test fail, nothing goes elsewhere
    with pytest.raises(SetupError, match="There is no API key in"):
        run("--url", url, "--data", str(tmp_path))
    assert not (tmp_path / "secrets.json").exists()
    with pytest.raises(SetupError, match="Which key is for"):
        run("--url", "http://192.0.2.1", "--data", str(product.data))
    with pytest.raises(SetupError, match="cannot be read"):
        run("--url", url, "--key-file", str(tmp_path / "missing"))
    monkeypatch.setenv("WAREST_ADMIN_APIKEY", product.key)
    assert run("--url", url).exit_code == 0
    monkeypatch.setenv("WAREST_API_KEY", "wrong")
    with pytest.raises(ApiError, match="valid API key"):
        run("--url", url)
    assert run("--url", url, "--key-file", str(tmp_path / "right")).exit_code == 0
    assert run("--url", url, "--port", "1").exit_code == 2


def test_nothing_that_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and reasons come from elsewhere."""
    tables.show([("a", "\x1b[2Jx\ny"), ("long", "z")])
    assert capsys.readouterr().out == "a      [2Jx y\nlong  z\n"
