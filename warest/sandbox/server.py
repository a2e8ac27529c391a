"""The sandbox as a whole: one port for the control API and for the clients' tunnels, one folder for its memory."""

import asyncio
import logging
import signal
from collections.abc import Iterable
from pathlib import Path

from warest.errors import SetupError
from warest.sandbox.certificates import Authority
from warest.sandbox.control import Control
from warest.sandbox.network import Network
from warest.sandbox.proxy import Proxy
from warest.sandbox.store import Store
from warest.sandbox.web import BadRequest, Request, answer, read_request
from warest.whatsapp import library

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
PORT = 7309

_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Sandbox:
    """A running sandbox; make one with `Sandbox.start`."""

    def __init__(self, store: Store, network: Network, authority: Authority) -> None:
        self._store = store
        self._network = network
        self._proxy = Proxy(network, authority)
        self._control = Control(network, authority)
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def start(cls, data: Path, host: str = HOST, port: int = PORT) -> "Sandbox":
        """Listen on loopback; port 0 takes a free one. The folder is made when it is not there."""
        if host != HOST:
            raise SetupError(
                f"The sandbox listens on {HOST} only, not on {host}: whoever reaches it owns its phones. "
                f"Leave the host away, or set it to {HOST}."
            )
        library.verify()
        store = Store(data)
        try:
            return await cls._start(store, data, port)
        except BaseException:
            store.close()
            raise

    @classmethod
    async def _start(cls, store: Store, data: Path, port: int) -> "Sandbox":
        network = Network(store, await asyncio.to_thread(_tokens, data))
        authority = Authority.from_pem(store.setting("authority", lambda: Authority.generate().to_pem()))
        sandbox = cls(store, network, authority)
        try:
            sandbox._server = await asyncio.start_server(sandbox._accept, HOST, port)
        except OSError as error:
            raise SetupError(
                f"The sandbox cannot listen on {HOST}:{port} ({error.strerror}): give it another port."
            ) from error
        log.info("The sandbox listens on http://%s:%d", HOST, sandbox.port)
        return sandbox

    @property
    def port(self) -> int:
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close everything; what is queued waits in the folder."""
        assert self._server
        self._server.close()
        self._network.outbox.flush()
        for connection in list(self._network.connections):
            connection.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        self._store.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk
        self._talks.add(talk)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled by `stop`. It ends here, because asyncio's streams complain about a cancelled task.
            writer.transport.abort()
        finally:
            self._talks.discard(talk)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, until it is closed or becomes a tunnel."""
        keep_alive = True
        while keep_alive:
            try:
                request = await read_request(reader)
            except BadRequest as error:
                writer.writelines(answer(400, {"error": str(error)}))
                break
            if request is None:
                break
            if request.method == "CONNECT" and self._proxy.serves(request.path[0]):
                await self._proxy.tunnel(request.path[0], writer)
                return
            keep_alive = request.keep_alive
            for piece in [_REFUSED] if request.method == "CONNECT" else await self._answer(request):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _answer(self, request: Request) -> Iterable[bytes | memoryview]:
        result = await self._control.answer(request)
        self._network.outbox.flush()  # What an answer says is true after a kill, too.
        return answer(result.status, result.data, result.mimetype, keep_alive=request.keep_alive)


def token_cache(data: Path) -> Path:
    """Where the dictionaries of this version of the library are kept."""
    return data / f"tokens-{library.SHA256[:16]}.json"


def _tokens(data: Path) -> library.Tokens:
    cache = token_cache(data)
    if not cache.exists():
        partial = cache.with_suffix(".partial")
        partial.write_text(library.read_tokens().to_json())
        partial.replace(cache)
    return library.Tokens.from_json(cache.read_text())


def run(data: Path, host: str = HOST, port: int = PORT) -> None:
    """Serve until SIGTERM or SIGINT."""
    asyncio.run(_serve(data, host, port))


async def _serve(data: Path, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sandbox = await Sandbox.start(data, host, port)
    try:
        await stop.wait()
    finally:
        await sandbox.stop()
