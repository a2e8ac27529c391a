"""What goes out is made fit to be sent before its session gets it: files smaller and with what phones show of them,
texts with what phones show of their links.

Pillow and ffmpeg run here, and never in a session's process or the web's.
"""

import base64
import functools
import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dramatiq

from warest import commands, keys
from warest.actors.link_previews import PATIENCE, LinkPreviews
from warest.commands import SendAlbum, SendText, WithFile
from warest.config.house import House, open_fetcher
from warest.config.media_settings import compression_of, tools_of
from warest.errors import FetchError, InvalidInput, NotFound, Unsupported
from warest.media.options import Compression, Pack
from warest.media.prepared import Prepared
from warest.proxies import Proxy
from warest.spool import ON_ITS_WAY, Spool

#: What an album says of each of its files.
_TOLD = ("kind", "file", "mimetype", "name", "caption", "width", "height", "seconds", "thumbnail")

log = logging.getLogger(__name__)


class Preparing:
    def __init__(self, house: House, spool: Spool, proxy_of: Callable[[str], Proxy | None]) -> None:
        self._proxy_of = proxy_of
        self._bus = house.bus
        self._spool = spool
        self._compression = compression_of(house.settings)
        self._tools = tools_of(house.settings)
        self._previews: Callable[[], LinkPreviews] = functools.cache(
            lambda: LinkPreviews(open_fetcher(house.settings, seconds=PATIENCE))
        )

    def prepare(
        self, session: str, command_id: str, command: WithFile | SendAlbum, wishes: dict[str, Any], until: float | None
    ) -> None:
        """Give the command on with its files as they are sent, or refuse it to whoever waits for it."""
        ready: WithFile | SendAlbum
        kept: set[str] = set()
        try:
            ready = self._album(command, wishes) if isinstance(command, SendAlbum) else self._ready(command, wishes)
        except NotFound:
            log.info("the file of command %s was given on before, or its time is over", command_id)
            return
        except (InvalidInput, Unsupported) as error:
            error.details["step"] = "prepare"
            self._bus.remember(session, {"do": "send", "id": command_id, "state": "failed", "error": error.to_dict()})
            self._bus.refuse(session, command_id, error)
        else:
            self._bus.give(session, command_id, ready, until=until)
            kept = _files(ready)
        for key in _files(command) - kept:
            self._spool.delete(key)

    def preview(self, session: str, command_id: str, command: SendText, until: float | None) -> None:
        """Give a text on with what its link leads to, as it is seen from where the session is."""
        try:
            found = self._previews().of(command.link, self._proxy_of(session))
        except FetchError as error:
            log.info("no preview of a page: %s", error.message)
            found = {}
        self._bus.give(session, command_id, replace(command, preview=found), until=until)

    def _album(self, command: SendAlbum, wishes: dict[str, Any]) -> SendAlbum:
        """All of it, or nothing: what was made for one that cannot be sent whole is deleted."""
        made: list[dict[str, Any]] = []
        try:
            for file in command.files:
                ready = self._ready(command.single(file), dict(wishes))
                made.append({name: getattr(ready, name) for name in _TOLD} | {"size": file["size"]})
        except Exception:
            for key in {file["file"] for file in made} - _files(command):
                self._spool.delete(key)
            raise
        return replace(command, files=tuple(made))

    def _ready(self, command: WithFile, wishes: dict[str, Any]) -> WithFile:
        from warest.media.prepare import prepare  # only here: the supervisor should not pay for Pillow

        options = _with_pack(self._compression, wishes.pop("pack", None)).overridden(wishes)
        with tempfile.TemporaryDirectory(prefix="warest-media-") as folder:
            source, room = Path(folder, "source"), Path(folder, "made")
            room.mkdir()
            self._spool.copy(command.file, source)
            made = prepare(command.kind, source, command.mimetype, room, options, self._tools)
            key = command.file if made.path == source else self._kept(made.path)
        return _told(replace(command, file=key), made)

    def _kept(self, path: Path) -> str:
        with path.open("rb") as made:
            return self._spool.put(made, seconds=ON_ITS_WAY)


def _files(command: WithFile | SendAlbum) -> set[str]:
    """Keys in the spool."""
    return {file["file"] for file in command.files} if isinstance(command, SendAlbum) else {command.file}


def _with_pack(compression: Compression, pack: dict[str, Any] | None) -> Compression:
    if not pack:
        return compression
    told = Pack(**{**pack, "emojis": tuple(pack.get("emojis", ()))})
    return replace(compression, sticker=replace(compression.sticker, pack=told))


def _told(command: WithFile, made: Prepared) -> WithFile:
    """With what the message says of the file."""
    return replace(
        command,
        mimetype=made.mimetype,
        width=made.width,
        height=made.height,
        seconds=made.seconds,
        thumbnail=base64.b64encode(made.thumbnail).decode(),
        waveform=base64.b64encode(made.waveform).decode(),
        is_animated=made.is_animated,
    )


def declare(house: House, spool: Spool, proxy_of: Callable[[str], Proxy | None]) -> None:
    """The actor that the sends of files begin with. `proxy_of` tells which proxy a session uses."""
    work = Preparing(house, spool, proxy_of)

    # What goes wrong beside the file is ours: storage or Redis away. It is worth waiting for.
    patient: dict[str, Any] = {"max_retries": 100, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.MEDIA_QUEUE, broker=house.broker, **patient)
    def prepare_file(
        session: str,
        command_id: str,
        command: dict[str, Any],
        compression: dict[str, Any],
        until: float | None = None,
    ) -> None:
        """Died half-way, it begins anew. Died when the command was given on: a command runs once, whoever gives it."""
        order = commands.decode(command)
        if isinstance(order, SendText):
            work.preview(session, command_id, order, until)
            return
        assert isinstance(order, WithFile | SendAlbum)
        work.prepare(session, command_id, order, compression, until)
