"""w:mex: GraphQL, of which clients send only the number of a query that WhatsApp keeps, and its variables as JSON."""

import json
from typing import TYPE_CHECKING, Any

from warest.sandbox.accounts import Device
from warest.sandbox.nodes import MalformedNode, Node
from warest.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: The text that an account shows about itself.
_SET_ABOUT = "9152604461510864"

_FOLLOW, _UNFOLLOW = "9926858900719341", "6392786840836363"


def answer(network: "Network", device: Device, iq: Node) -> list[Node]:
    query = iq.child("query")
    number, variables = query.text("query_id"), _variables(query)
    try:
        if number == _SET_ABOUT:
            network.accounts.tell_about(device.account, _text(variables.get("input"), "text"))
        elif number in (_FOLLOW, _UNFOLLOW):
            jid = _text(variables, "newsletter_id")
            network.channels.follow(device.account, jid, follows=number == _FOLLOW)
        else:
            raise MalformedNode(f"the unknown query {number}")
    except Refusal as refusal:
        error = {"message": refusal.text, "extensions": {"error_code": refusal.code}}
        return [Node("result", {}, json.dumps({"data": None, "errors": [error]}).encode())]
    return [Node("result", {}, b'{"data":{}}')]


def _variables(query: Node) -> dict[str, Any]:
    try:
        found = json.loads(query.data)["variables"]
    except (ValueError, LookupError, TypeError) as error:
        raise MalformedNode("<query> holds no variables") from error
    if not isinstance(found, dict):
        raise MalformedNode("the variables of a <query> are no object")
    return found


def _text(told: Any, name: str) -> str:
    if not isinstance(told, dict) or not isinstance(told.get(name), str):
        raise MalformedNode(f"there is no text {name!r} in a <query>")
    return str(told[name])
