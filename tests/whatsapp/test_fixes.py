"""The countermeasures, on the real engine: each in a process of its own, since the engine is loaded once for good."""

import subprocess
import sys
from pathlib import Path

import pytest

from warest.errors import SetupError
from warest.whatsapp import fixes, library


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a new process; it must print `done` and leave by itself."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_client_that_is_collected_stops_nobody() -> None:
    """Trap 7: the finalizer, which would stop a successor of the same uuid, is gone."""
    done = run(
        "from warest.whatsapp import fixes\n"
        "engine = fixes.load()\n"
        "client = engine.NewClient(':memory:', uuid='x')\n"
        "assert client._stop_finalizer.alive\n"
        "fixes.tame(client, print)\n"
        "assert not client._stop_finalizer.alive\n"
        "print('done', flush=True)\n"
        "fixes.exit_process(0)\n"
    )
    assert done.stdout == "done\n", done.stderr


def test_void_functions_return_nothing() -> None:
    """Trap 35: what is left in the register is not freed as a string."""
    done = run(
        "from warest.whatsapp import fixes\n"
        "fixes.load()\n"
        "from neonize._binder import gocode\n"
        "assert gocode.StopAll.restype is None and gocode.StopAll() is None\n"
        "print('done', flush=True)\n"
        "fixes.exit_process(0)\n"
    )
    assert done.stdout == "done\n", done.stderr


def test_how_pairing_ended_is_told() -> None:
    """Trap 23: the status comes as text, not as a printed pointer."""
    done = run(
        "import ctypes\n"
        "from warest.whatsapp import fixes\n"
        "client = fixes.load().NewClient(':memory:', uuid='x')\n"
        "fixes.tame(client, lambda status: print(status, flush=True))\n"
        "text = ctypes.create_string_buffer(b'timeout')\n"
        "client._NewClient__onLoginStatus(0, ctypes.addressof(text))\n"
        "fixes.exit_process(0)\n"
    )
    assert done.stdout == "timeout\n", done.stderr


def test_a_raising_callback_is_loud() -> None:
    """Trap 18: its event is lost, so it must be seen."""
    done = run(
        "import ctypes\n"
        "from warest.whatsapp import fixes\n"
        "fixes.load()\n"
        "callback = ctypes.CFUNCTYPE(None)(lambda: 1 / 0)\n"
        "callback()\n"
        "fixes.exit_process(0)\n"
    )
    assert "exception in an engine callback" in done.stderr and "ZeroDivisionError" in done.stderr


def test_loading_the_engine_leaves_logging_alone() -> None:
    """Trap 25: neonize would set up the root logger, and let every debug line of Go across."""
    done = run(
        "import logging\n"
        "logging.basicConfig(level=logging.ERROR, handlers=[logging.NullHandler()])\n"
        "from warest.whatsapp import fixes\n"
        "fixes.load()\n"
        "assert [type(handler) for handler in logging.root.handlers] == [logging.NullHandler]\n"
        "assert not logging.getLogger('neonize.utils.log').isEnabledFor(logging.INFO)\n"
        "print('done', flush=True)\n"
        "fixes.exit_process(0)\n"
    )
    assert done.stdout == "done\n", done.stderr


@pytest.mark.parametrize("proxy", ["", "http://10.0.0.1:7309", "socks5://127.0.0.1.example:1"])
def test_from_a_sandbox_nothing_else_is_dialled(proxy: str) -> None:
    """Decision 15: with the root swapped, a connection that could lead out is not begun."""
    with pytest.raises(SetupError, match="must be on this machine"):
        fixes.dial(None, proxy, in_sandbox=True)


def test_what_is_there_at_exec() -> None:
    """Traps 9 and 34; and no proxy, which the engine would look for through the one that it is given (trap 26)."""
    given = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "PATH": "/bin"}
    found = fixes.environment(given, memory_mb=100, ca_file=Path("ca.pem"))
    wanted = {"NEONIZE_BOT_TAG": "off", "GOMEMLIMIT": "100MiB", "GOGC": "50", "SSL_CERT_FILE": "ca.pem", "PATH": "/bin"}
    assert found == wanted


def test_an_error_names_no_credentials() -> None:
    """Go puts the URL that it dialled into its errors."""
    told = 'dial "http://user:s3cret@127.0.0.1:1": connection refused'
    assert fixes.without_credentials(told) == 'dial "http://127.0.0.1:1": connection refused'


def test_the_path_of_a_store_is_escaped() -> None:
    """Trap 31: `?` and `#` would end the path."""
    assert fixes.store_name(Path("/a b/c?d#e")).startswith("/a%20b/c%3Fd%23e?_foreign_keys=on&_journal_mode=WAL")


def test_a_foreign_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 36: only the library that is known here is loaded."""
    foreign = tmp_path / library.NAME
    foreign.write_bytes(b"not the one")
    monkeypatch.setattr(library, "path", lambda: foreign)
    library.verify.cache_clear()
    with pytest.raises(SetupError, match="reinstall it"):
        fixes.verify_library()
    library.verify.cache_clear()
