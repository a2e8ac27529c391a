"""w:mex: GraphQL, of which clients send only the number of a query that WhatsApp keeps, and its variables as JSON."""

import json
from typing import TYPE_CHECKING, Any

from warest.sandbox.accounts import Device
from warest.sandbox.nodes import MalformedNode, Node

if TYPE_CHECKING:
    from warest.sandbox.network import Network

#: The text that an account shows about itself.
_SET_ABOUT = "9152604461510864"


def answer(network: "Network", device: Device, iq: Node) -> list[Node]:
    query = iq.child("query")
    if query.text("query_id") != _SET_ABOUT:
        raise MalformedNode(f"the unknown query {query.text('query_id')}")
    try:
        text: Any = json.loads(query.data)["variables"]["input"]["text"]
    except (ValueError, LookupError, TypeError) as error:
        raise MalformedNode("<query> holds no variables") from error
    if not isinstance(text, str):
        raise MalformedNode("what an account says about itself is no text")
    network.accounts.tell_about(device.account, text)
    return [Node("result", {}, b'{"data":{}}')]
