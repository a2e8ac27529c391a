"""neonize, as far as sends need it: does nothing, and says what it is told to."""

import gc
import importlib
import warnings
from types import SimpleNamespace
from typing import Any

from warest.whatsapp import protos

with warnings.catch_warnings():
    # Its helpers ask `uname` through a pipe that they never close (trap 36); whoever imports them first is blamed.
    warnings.simplefilter("ignore", ResourceWarning)
    protos.__getattr__("errors")
    importlib.import_module("neonize.utils.enum")
    gc.collect()


class Engine:
    """`sends` are the errors of one send after the other by recipient, `uploads` those of uploads; empty: none."""

    def __init__(self, sends: dict[str, list[str]] | None = None, uploads: list[str] | None = None) -> None:
        self._sends = sends or {}
        self._uploads = uploads or []
        self.sent: list[tuple[str, Any]] = []

    def upload(self, data: bytes, _: Any) -> Any:
        if self._uploads and (error := self._uploads.pop(0)):
            raise protos.errors.UploadError(error)
        return protos.engine.UploadResponse(url="u", FileLength=len(data))

    def send_message(self, to: Any, message: Any) -> Any:
        if (errors := self._sends.get(to.User)) and (error := errors.pop(0)):
            raise protos.errors.SendMessageError(error)
        self.sent.append((to.User, message))
        return protos.engine.SendResponse(ID=f"M{len(self.sent)}", Timestamp=5)

    def get_lid_from_pn(self, _: Any) -> Any:
        raise protos.errors.GetJIDFromStoreError("none")


def linked(engine: Engine) -> Any:
    """A client that is online with it."""
    me = {"id": "628111:2@s.whatsapp.net"}
    return SimpleNamespace(
        engine=engine, is_open=True, me=me, require_open=lambda: None, tell_sent=lambda *_: None
    )  # fmt: skip
