"""neonize's protobuf modules, errors and event types, without neonize's shared library.

`import neonize` always loads the library (trap 33). A stub package in its place lets `neonize.proto` be imported
alone: that is all the sandbox needs, and what the fork server of the sessions preloads (forking a process that has
loaded the library hangs, forking one that has only these modules is safe and cheap).

    from warest.whatsapp import protos
    protos.e2e.Message(conversation="hello")      # no library
    neonize = protos.load_engine()                # later, in the process that owns a session
"""

import functools
import importlib
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from warest.errors import SetupError

_MODULES = {
    "adv": "proto.waAdv.WAAdv_pb2",
    "cert": "proto.waCert.WACert_pb2",
    "common": "proto.waCommon.WACommon_pb2",
    "companion": "proto.waCompanionReg.WACompanionReg_pb2",
    "e2e": "proto.waE2E.WAWebProtobufsE2E_pb2",
    "engine": "proto.Neonize_pb2",
    "enums": "utils.enum",
    "errors": "exc",
    "events": "events",
    "history": "proto.waHistorySync.WAWebProtobufsHistorySync_pb2",
    "server_sync": "proto.waServerSync.WAServerSync_pb2",
    "sync_action": "proto.waSyncAction.WAWebProtobufSyncAction_pb2",
    "vname": "proto.waVnameCert.WAWebProtobufsVnameCert_pb2",
    "wa6": "proto.waWa6.WAWebProtobufsWa6_pb2",
}


def __getattr__(name: str) -> Any:
    """`protos.e2e` and its like: imported on first use, then an ordinary attribute."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    sys.modules.setdefault("neonize", _stub())
    if name == "enums":
        importlib.import_module("pylibmagic")  # what is imported with it looks for libmagic, and would find another
    module = importlib.import_module(f"neonize.{_MODULES[name]}")
    globals()[name] = module
    return module


#: What neonize imports besides, the largest first; shared by all sessions when their parent has imported it.
_COMPANIONS = (
    "phonenumbers", "linkpreview", "pylibmagic", "magic", "PIL.Image", "PIL.ImageSequence", "tqdm", "httpx", "click",
    "requests", "pygments.lexers", "multiprocessing.connection", "multiprocessing.queues", "concurrent.futures.process",
)  # fmt: skip

#: Those parts of neonize that do not touch the library.
_HARMLESS = ("utils", "builder", "download", "types", "ext.interactive_message")

#: Threads that were to start in a process which will fork.
_waiting: list[threading.Thread] = []


def preload() -> None:
    """Import now whatever needs no library: for a parent that will fork."""
    for name in _MODULES:
        __getattr__(name)
    for name in _COMPANIONS:
        importlib.import_module(name)
    with _threads_waiting():
        for name in _HARMLESS:
            importlib.import_module(f"neonize.{name}")


@contextmanager
def _threads_waiting() -> Iterator[None]:
    """neonize starts a thread when its logging is imported. None survives a fork, so it starts in the child."""
    start = threading.Thread.start
    threading.Thread.start = _start_later  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


def _start_later(self: threading.Thread) -> None:
    _waiting.append(self)


def load_engine() -> ModuleType:
    """Import the real neonize, which loads its library; the protobuf modules stay the ones that were handed out.

    Once per process, and no fork after it.
    """
    import pylibmagic  # noqa: F401  neonize needs libmagic when it is imported (trap 36); this brings one along

    if sys.modules.get("neonize") is _stub():
        del sys.modules["neonize"]
    engine = importlib.import_module("neonize")
    if "neonize.proto" in sys.modules:
        # Imported under the stub, so the import system has not made it an attribute of the real package.
        engine.__dict__["proto"] = sys.modules["neonize.proto"]
    while _waiting:
        _waiting.pop().start()
    return engine


@functools.cache
def _stub() -> ModuleType:
    """An empty package that lies where neonize lies."""
    spec = importlib.util.find_spec("neonize")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("neonize is not installed: install WAREST with its dependencies (pip install warest).")
    empty = importlib.machinery.ModuleSpec("neonize", None, origin=spec.origin, is_package=True)
    empty.submodule_search_locations = list(spec.submodule_search_locations)
    return importlib.util.module_from_spec(empty)
