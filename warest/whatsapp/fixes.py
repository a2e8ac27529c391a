"""The countermeasures for neonize 0.5.2, each named after the trap that it answers (docs/engine.md lists the traps).

What the exec environment must carry is in `environment`; `load` and `tame` run in the session process.
"""

import ctypes
import logging
import os
import re
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from warest.errors import SetupError
from warest.whatsapp import library, protos

log = logging.getLogger(__name__)

#: Hosts that are this machine.
LOCAL = ("127.0.0.1", "::1", "localhost")

#: Of the engine's functions these return nothing in Go, but are bound as returning a string to free (trap 35).
_VOID_FUNCTIONS = ("Stop", "StopAll", "SetForceActiveDeliveryReceipts")


def environment(given: Mapping[str, str], *, memory_mb: int, ca_file: Path | None = None) -> dict[str, str]:
    """The environment in which the process is executed: Go reads it before Python could change it.

    Trap 9: without the tag, every direct message carries a `<bot/>` node. Trap 26: the CA of a sandbox; and no proxy,
    to which Go would go through the SOCKS proxy that `dial` names. Trap 34: the memory limit keeps Go from holding on
    to large buffers.
    """
    variables = {"NEONIZE_BOT_TAG": "off", "GOMEMLIMIT": f"{memory_mb}MiB", "GOGC": "50"}
    if ca_file:
        variables["SSL_CERT_FILE"] = str(ca_file)
    return {name: value for name, value in given.items() if name.upper() != "HTTPS_PROXY"} | variables


def load(noise_root: bytes | None = None) -> ModuleType:
    """Load the engine into this process, once; no fork may follow (trap 29). `noise_root` is a sandbox's."""
    quiet_logs()
    verify_library()
    engine = protos.load_engine()
    mend_void_functions(engine)
    report_raising_callbacks()
    if noise_root is not None:
        library.swap_noise_root(noise_root)
    return engine


def quiet_prints() -> None:
    """The engine prints of logins, and that Ctrl-C would end it, past every log; nothing of ours goes to stdout."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def verify_library() -> None:
    """Trap 36: when the library is not the expected one, neonize fetches another from the internet, unchecked."""
    library.verify()


def dial(client: Any, proxy: str, *, in_sandbox: bool) -> None:
    """Trap 26: with a proxy all of this connection goes through it, files too. Returns when the connection is over.

    Decision 15: from a sandbox nothing may be able to dial the real WhatsApp.
    """
    if in_sandbox and urllib.parse.urlsplit(proxy).hostname not in LOCAL:
        raise SetupError("In sandbox mode there must be a proxy, and it must be on this machine.")
    settings = sys.modules["neonize._binder"].ProxySettings(proxy_address=proxy) if proxy else None
    client.connect(settings)


def without_credentials(text: str) -> str:
    """Go's errors name the URL that was dialled, with all that is in it."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def mend_app_state() -> bool:
    """Trap 4: the name of every app state collection is lost on its way into the engine. Whether it is mended now."""
    try:
        library.mend_patch_names()
    except SetupError as error:
        log.warning("stars, mutes, archives and their like stay on this side: %s", error.message)
        return False
    return True


def mend_removal() -> bool:
    """An empty picture is sent as one, where none at all would take it away. Whether it is mended now."""
    try:
        library.mend_removal()
    except SetupError as error:
        log.warning("pictures cannot be taken away: %s", error.message)
        return False
    return True


def quiet_logs() -> None:
    """Trap 25: every debug line of the engine, whole stanzas, would cross into Python to be thrown away."""
    logging.getLogger("neonize.utils.log").setLevel(logging.WARNING)
    logging.getLogger("neonize").setLevel(logging.ERROR)  # it warns of a missing ffmpeg that we do not use
    logging.getLogger("whatsmeow").setLevel(logging.WARNING)
    logging.getLogger("Whatsmeow").setLevel(logging.WARNING)


def mend_void_functions(engine: ModuleType) -> None:
    """Trap 35: what a void function leaves in the register is taken for a pointer and freed."""
    binder = sys.modules[f"{engine.__name__}._binder"]
    for name in _VOID_FUNCTIONS:
        function = getattr(binder.gocode, name)
        function.restype = None
        function.errcheck = lambda result, *_: result


def report_raising_callbacks() -> None:
    """Trap 18: an exception in a callback ends in the unraisable hook, and its event is lost: make it loud."""

    def report(unraisable: Any) -> None:
        log.critical("exception in an engine callback", exc_info=unraisable.exc_value)

    sys.unraisablehook = report


def tame(client: Any, on_login_status: Callable[[str], None]) -> None:
    """Make one client safe to keep."""
    keep_successor_alive(client)
    hear_login_status(client, on_login_status)


def keep_successor_alive(client: Any) -> None:
    """Trap 7: a collected client stops whichever client has its uuid by then."""
    client._stop_finalizer.detach()


def hear_login_status(client: Any, callback: Callable[[str], None]) -> None:
    """Trap 23: how pairing ended (success, timeout, an error) goes to a private method that prints a pointer."""
    client._NewClient__onLoginStatus = lambda _, status: callback(ctypes.string_at(status).decode())


def store_name(path: Path) -> str:
    """Trap 31: the store's path goes raw into a SQLite URI: escape it, and put better options in front of its own."""
    options = "_foreign_keys=on&_journal_mode=WAL&_busy_timeout=30000&_txlock=immediate&_x="
    return f"{urllib.parse.quote(str(path))}?{options}"


def exit_process(status: int) -> None:
    """Trap 6: an ordinary exit waits for ever for neonize's thread. Trap 3: so does connect() in the QR phase."""
    logging.shutdown()
    os._exit(status)
