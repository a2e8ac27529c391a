"""One client's websocket: TLS bytes in and out, Noise frames, nodes.

What is sent in one turn of the event loop leaves as one websocket message of whole frames: whatsmeow corrupts a frame
that is split over two messages.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from warest.sandbox.accounts import Device
from warest.sandbox.addressing import by_phone_number
from warest.sandbox.nodes import NO_TOKENS, MalformedNode, Node, decode, encode
from warest.sandbox.noise import Frames, Handshake, NoiseError, Transport, frame
from warest.sandbox.tunnel import TunnelEnd

if TYPE_CHECKING:
    from warest.sandbox.network import Network

log = logging.getLogger(__name__)

PATH = "/ws/chat"

#: Baileys loses a frame that arrives in the turn after its ClientFinish. What the client says meanwhile counts:
#: whatsmeow sends what it could not send before, without waiting to be let in.
_FIRST_ANSWER_DELAY = 0.05

#: whatsmeow may drop a final stanza when the socket is closed right behind it, so the client is left to close.
GRACE = 5.0
#: For a final stanza to which clients react only when the connection has ended.
SHORT_GRACE = 1.0

_MAX_BATCH = 256 * 1024


class Connection(TunnelEnd):
    def __init__(self, network: "Network") -> None:
        super().__init__()
        self._network = network
        self._websocket = ServerProtocol(max_size=1 << 24)
        self._frames = Frames()
        self._step: Callable[[bytes], None] = self._on_hello
        self._handshake = Handshake(network.certificate)
        self._noise: Transport | None = None
        self._outgoing: list[bytes] = []
        self._finished = False
        self._deaf = True  # the client is, until it has made its keys
        self._stalled = False
        self._delay = 0.0
        self._delayed: deque[list[bytes]] = deque()
        self._asked: dict[str, asyncio.Future[Node]] = {}
        #: The linked device, once it has logged in.
        self.device: Device | None = None
        #: It knows other accounts by their phone numbers, not by their LIDs.
        self.by_phone_number = False
        #: It has said <active/>: it wants stanzas that are not answers.
        self.active = False

    @property
    def name(self) -> str:
        return str(self.device.pn) if self.device else "a session that is not linked"

    @property
    def phone(self) -> str | None:
        """Of whose account it is a session."""
        return self.device.account.phone if self.device else None

    @property
    def client_static(self) -> bytes:
        return self._handshake.client_static

    def on_closed(self) -> None:
        self._network.disconnected(self)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())

    def on_bytes(self, data: bytes) -> None:
        self._websocket.receive_data(data)
        for event in self._websocket.events_received():
            if isinstance(event, Request):
                self._upgrade(event)
            elif not isinstance(event, Frame):
                pass
            elif event.opcode in (Opcode.BINARY, Opcode.CONT):
                self._on_noise(event.data)
            elif event.opcode is Opcode.TEXT:
                self._network.violations.record(self.name, "a text frame on the websocket")
                self.close()
        self._write_websocket()

    def eof_received(self) -> bool:
        self._websocket.receive_eof()
        self._write_websocket()
        return False

    def _upgrade(self, request: Request) -> None:
        if request.path.partition("?")[0] == PATH:
            self._websocket.send_response(self._websocket.accept(request))
        else:
            self._network.violations.record("an unknown client", f"a request for {request.path}")
            self._websocket.send_response(self._websocket.reject(404, "There is only /ws/chat here.\n"))

    def _on_noise(self, data: bytes | bytearray | memoryview) -> None:
        try:
            for one in self._frames.feed(bytes(data)):
                self._step(one)
        except (NoiseError, MalformedNode, ValueError) as error:
            self._network.violations.record(self.name, str(error))
            self.close()

    def _on_hello(self, data: bytes) -> None:
        self._step = self._on_finish
        self._websocket.send_binary(frame(self._handshake.answer(data)))

    def _on_finish(self, data: bytes) -> None:
        payload = self._handshake.finish(data)
        self._noise = self._handshake.split()
        self._step = self._on_frame
        asyncio.get_running_loop().call_later(_FIRST_ANSWER_DELAY, self._speak)
        self._network.log_in(self, payload)

    def _speak(self) -> None:
        self._deaf = False
        self._network.outbox.add(self)

    def _on_frame(self, data: bytes) -> None:
        assert self._noise
        if self._finished:
            return
        node = decode(self._noise.open(data), self._network.tokens)
        log.debug("%s -> %s", self.name, node)
        self._network.handle(self, node)

    def send(self, node: Node) -> None:
        log.debug("%s <- %s", self.name, node)
        self.send_encoded(encode(node))

    async def ask(self, iq: Node) -> Node:
        """Send an <iq> of the server's own and wait for the client's answer."""
        answer = self._asked[iq.text("id")] = asyncio.get_running_loop().create_future()
        try:
            self.send(iq)
            reply: Node = await answer
            return reply
        finally:
            del self._asked[iq.text("id")]

    def answered(self, iq: Node) -> None:
        """The client's answer to an <iq>; nobody waits for that to <pair-device>."""
        answer = self._asked.get(iq.text("id"))
        if answer and not answer.done():
            answer.set_result(iq)

    def send_encoded(self, data: bytes) -> None:
        """Send a node that was encoded without tokens."""
        if self.by_phone_number:
            data = encode(by_phone_number(decode(data, NO_TOKENS), self._network.accounts))
        self._outgoing.append(data)
        self._network.outbox.add(self)

    def hinder(self, *, stalled: bool, delay: float) -> None:
        """Make it a bad line. A stalled one carries nothing either way until it is no longer stalled; with a delay,
        in seconds, what leaves does so later."""
        self._delay = delay
        if stalled == self._stalled or self.transport is None:
            return
        self._stalled = stalled
        if stalled:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
            self._network.outbox.add(self)

    def flush(self) -> None:
        """Send what has been collected; called when the store is committed."""
        if self._deaf or self._stalled:
            return
        outgoing, self._outgoing = self._outgoing, []
        if self._delay or self._delayed:
            self._delayed.append(outgoing)
            asyncio.get_running_loop().call_later(self._delay, lambda: self._write(self._delayed.popleft()))
        else:
            self._write(outgoing)

    def _write(self, outgoing: list[bytes]) -> None:
        """Seal and write; in the order of the calls, because each frame has its number."""
        if self._noise is None or not self.is_open:
            return
        batch = bytearray()
        for data in outgoing:
            batch += frame(self._noise.seal(data))
            if len(batch) > _MAX_BATCH:
                self._websocket.send_binary(bytes(batch))
                batch.clear()
        if batch:
            self._websocket.send_binary(bytes(batch))
        self._write_websocket()

    def _write_websocket(self) -> None:
        assert self.transport
        for data in self._websocket.data_to_send():
            if data:
                self.transport.write(data)
        if self._websocket.close_expected() or self._websocket.eof_sent:
            self.close()

    def finish(self, last: Node, *, grace: float = GRACE) -> None:
        """Send a final stanza, hear nothing more, and give the client `grace` seconds to close."""
        self.send(last)
        self._finished = True
        self.active = False
        asyncio.get_running_loop().call_later(grace, self.close)
