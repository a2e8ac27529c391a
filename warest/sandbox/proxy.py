"""HTTP CONNECT: how the unmodified library gets here.

Clients run with HTTPS_PROXY set to the sandbox's port. A tunnel to a host of WhatsApp ends in this process, behind
TLS with the sandbox's own certificate; any other is refused, so nothing ever leaves the machine.
"""

import asyncio
import ssl
from collections.abc import Callable

from warest.sandbox import media, media_host
from warest.sandbox.certificates import Authority
from warest.sandbox.connection import Connection
from warest.sandbox.network import Network
from warest.sandbox.tunnel import TunnelEnd

WEB = "web.whatsapp.com"
_WEB_TARGET = f"{WEB}:443"

_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

#: How long a client may take for its TLS handshake, in seconds.
_TLS_TIMEOUT = 10


class Proxy:
    def __init__(self, network: Network, authority: Authority) -> None:
        self._network = network
        #: Who answers behind TLS, by host and port.
        self._hosts: dict[str, Callable[[], TunnelEnd]] = {
            _WEB_TARGET: lambda: Connection(network),
            f"{media.HOST}:443": lambda: media_host.MediaHost(network),
        }
        self._context = authority.context([WEB, media.HOST])

    def serves(self, target: str) -> bool:
        if target not in self._hosts:
            self._network.violations.record("an unknown client", f"a tunnel to {target}")
        return target in self._hosts

    async def tunnel(self, target: str, writer: asyncio.StreamWriter) -> None:
        """Turn the connection over to the host that the client asked for, until it is closed."""
        if target == _WEB_TARGET and self._network.faults.take("refuse"):
            writer.write(_UNAVAILABLE)
            writer.close()
            return
        host = self._hosts[target]()
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                writer.transport, host, self._context, server_side=True, ssl_handshake_timeout=_TLS_TIMEOUT
            )
        except OSError as error:
            if isinstance(error, ssl.SSLError):
                # It speaks no TLS, or does not trust this sandbox; one that has only gone did nothing wrong.
                self._network.violations.record("an unknown client", f"TLS to {target} failed: {error}")
            writer.transport.abort()
            return
        assert transport is not None
        host.attach(transport)
        # The writer must live as long as its connection: when it is collected it closes it.
        await host.closed.wait()
