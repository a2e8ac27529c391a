"""The control API's calls about who is there, who writes and who calls."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from warest.errors import InvalidInput
from warest.sandbox.accounts import Account
from warest.sandbox.composing import text
from warest.sandbox.nodes import Node
from warest.sandbox.web import Request

if TYPE_CHECKING:
    from warest.sandbox.network import Network


class PresenceControl:
    def __init__(self, network: "Network") -> None:
        self._network = network

    def show(self, account: Account) -> dict[str, Any]:
        return self._network.presence.show(account)

    def change(self, request: Request, account: Account) -> dict[str, Any]:
        """The phone's owner comes (`available`), goes (with `lastSeen`, if others may know), or writes `to` somebody:
        `state` is composing, recording, paused, or a word that no client knows."""
        told = request.json()
        if isinstance(there := told.get("available"), bool):
            last_seen = told.get("lastSeen", 0)
            if not isinstance(last_seen, int):
                raise InvalidInput('"lastSeen" has to be in epoch seconds.')
            self._network.presence.announce(account, "available" if there else "unavailable", last_seen)
        if "state" in told:
            state, chat = text(told, "state"), self._network.groups.chat(text(told, "to"))
            node = Node("composing", {"media": "audio"}) if state == "recording" else Node(state)
            self._network.presence.write(account, chat, node)
        return self.show(account)

    def call(self, request: Request, account: Account) -> dict[str, Any]:
        """The phone's owner calls `to`, or with the `id` of a call hangs up: `reason` may be timeout."""
        told, calls = request.json(), self._network.calls
        to = self._network.groups.chat(text(told, "to"))
        if "id" in told:
            reason = text(told, "reason") if "reason" in told else ""
            return asdict(calls.end(account, to, text(told, "id"), reason))
        return asdict(calls.ring(account, to, told.get("video") is True))
