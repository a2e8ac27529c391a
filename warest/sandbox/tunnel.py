"""The inner end of a tunnel: what a host that lives in this process must be able to do."""

import asyncio
from abc import abstractmethod


class TunnelEnd(asyncio.Protocol):
    """A host behind TLS. It is a protocol, not a task: what comes in costs one callback."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()
        self._early = bytearray()

    def attach(self, transport: asyncio.Transport) -> None:
        """TLS is up; what the client sent together with the end of its handshake has come before this."""
        self.transport = transport
        early, self._early = bytes(self._early), bytearray()
        if early:
            self.on_bytes(early)

    def data_received(self, data: bytes) -> None:
        if self.transport is None:
            self._early += data
        else:
            self.on_bytes(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.on_closed()
        self.closed.set()

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def close(self) -> None:
        if self.transport:
            self.transport.close()

    @abstractmethod
    def on_bytes(self, data: bytes) -> None:
        """The client has sent something."""

    @abstractmethod
    def on_closed(self) -> None:
        """The connection is gone, whoever closed it."""
