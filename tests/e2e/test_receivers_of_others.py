"""Receivers that know nothing of ours, in other languages and by other hands, accept every event of the catalog.

Their own reading of the signature is the judge: each is a program of its own, fed by the running product.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from support import npm
from support.foreign_receivers import INSTALL, LANGUAGES, REWRITING, ForeignReceiver, is_here
from support.happenings import BUDI, OWNER, SETTINGS, Story, reported
from support.product import Product, running
from support.receiver import Received, Receiver
from support.waiting import eventually
from warest import webhooks
from warest.http.resources.webhooks import NAMES

#: Of each language another; the first is the original's.
SECRETS = dict(zip(LANGUAGES, ("supersecret", "s e c r e t", "'\"$`\\ /", "sécrét-🤫", "0" * 255), strict=True))

OF_THE_WITNESS = "the secret of the witness"

#: JSON.parse and JSON.stringify of each line.
REWRITE = """
const lines = require("fs").readFileSync(0, "utf8").split("\\n");
process.stdout.write(lines.map(line => JSON.stringify(JSON.parse(line))).join("\\n"));
"""

VERIFY = """
const { Webhook } = require("standardwebhooks");
const { secret, hooks } = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const [headers, body] of hooks) {
  try { new Webhook(secret).verify(body, headers); console.log("ok"); } catch (error) { console.log(error.message); }
}
"""


@dataclass(frozen=True)
class World:
    """After everything has happened. `witness` has it as it came over the wire, signed under `standard_secret`."""

    product: Product
    folder: Path
    others: dict[str, ForeignReceiver]
    witness: Receiver
    standard_secret: str
    preflights: list[Any]
    happened: dict[str, str]  #: the names of all events, by their ids


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="warest-test-")))
        others = {
            name: stack.enter_context(ForeignReceiver(name, folder, SECRETS[name]))
            for name in LANGUAGES
            if is_here(name)
        }
        witness = stack.enter_context(Receiver())
        product = stack.enter_context(running(folder, **SETTINGS))
        endpoints = [_endpoint(product, each.url, each.secret) for each in others.values()]
        watching = _endpoint(product, witness.url, OF_THE_WITNESS)
        product.api("GET", "/session/create", params={"sessionId": "ani"})
        preflights = [_preflight(product, each) for each in others.values()]
        Story(product).everything()
        happened = {
            **eventually(lambda: _all(product), within=40, what="the catalog"),
            **_tests(product, *endpoints, watching),
        }
        yield World(product, folder, others, witness, watching["secrets"][0]["standardSecret"], preflights, happened)


def _endpoint(product: Product, url: str, secret: str) -> dict[str, Any]:
    told = {"url": url, "secret": secret, "events": sorted(NAMES)}
    (made,) = product.api("POST", "/webhooks", json=told)["results"]
    return dict(made)


def _preflight(product: Product, receiver: ForeignReceiver) -> Any:
    asked = {"sessionId": "ani", "url": [receiver.url], "secret": "not that of the receiver"}
    url = f"http://127.0.0.1:{product.port}/api/webhooks/preflight"
    return product.http.post(url, headers={"X-WAREST-API-KEY": product.key}, json=asked).json()["results"][0]


def _all(product: Product) -> dict[str, str]:
    found = reported(product)
    if missing := NAMES - {"test", *found.values()}:
        raise LookupError(f"{missing} never happened")
    return found


def _tests(product: Product, *endpoints: dict[str, Any]) -> dict[str, str]:
    tried = [product.api("POST", f"/webhooks/{each['id']}/test")["results"][0] for each in endpoints]
    return {str(each["eventId"]): "test" for each in tried}


@pytest.fixture(params=LANGUAGES)
def receiver(world: World, request: pytest.FixtureRequest) -> ForeignReceiver:
    if request.param not in world.others:
        program, _ = LANGUAGES[request.param]
        pytest.skip(f"The receiver in {request.param} is NOT tested: there is no {program}; {INSTALL} brings it")
    return world.others[request.param]


def test_every_event_is_accepted(world: World, receiver: ForeignReceiver) -> None:
    """Each id, and nothing was ever taken for forged; its own `test`, and none of the others'."""
    wanted = {id for id, name in world.happened.items() if name != "test"}
    eventually(lambda: wanted <= receiver.ids(), what=f"{receiver.language} to accept everything")
    assert {line.event for line in receiver.lines()} == NAMES
    assert {line.raw for line in receiver.lines()} == {"ok"}
    assert "REFUSED" not in receiver.printed()


def test_the_body_survives_being_parsed(world: World, receiver: ForeignReceiver) -> None:
    """Node verifies all that JSON.stringify makes of it. Other languages write some numbers in their own way."""
    if receiver.language not in REWRITING:
        assert {line.rewritten for line in receiver.lines()} == {"-"}
        return
    differ = {line.id for line in receiver.lines() if line.rewritten != "ok"}
    bodies = {hook.headers["X-WAREST-Event-Id"]: hook.body for hook in world.witness.received}
    assert differ <= (set() if receiver.language == "Node" else {id for id in bodies if has_odd_number(bodies[id])})


def has_odd_number(body: bytes) -> bool:
    """Such that other languages put the point elsewhere."""
    return b'"numbers":' in body or b"1e-7" in body


def test_an_order_is_answered(world: World, receiver: ForeignReceiver) -> None:
    """The action in its answer reaches the phone that has ordered."""
    text = f"Your order is in {receiver.language}'s hands"
    eventually(lambda: world.product.phone_has(BUDI, text), what=text)
    assert world.product.texts(BUDI).count(text) == 1


def test_a_preflight_is_answered_before_all_else(world: World, receiver: ForeignReceiver) -> None:
    """Under a secret that the receiver does not know."""
    told = world.preflights[list(world.others).index(receiver.language)]
    assert (told["target"], told["ok"], told["status"]) == (receiver.url, True, 200)
    answer = httpx.post(receiver.url, headers={"X-WAREST-Event": "preflight"}, content=b"{}", trust_env=False)
    assert answer.json() == {"ok": True, "pong": True}


def test_what_is_forged_is_refused(world: World, receiver: ForeignReceiver) -> None:
    """So accepting means something: under another secret, touched by somebody, or played again years later."""
    event = world.witness.of("message_received")[0]
    with ForeignReceiver(receiver.language, world.folder, OF_THE_WITNESS) as mine:
        assert _status(mine, event) == 200
        for touched in (event.body.replace(b'"id"', b'"ID"', 1), event.body + b"\n", b"", b"{"):
            assert _status(mine, replace(event, body=touched)) == 401
        for header in ("X-WAREST-Signature", "X-WAREST-Signature-Alg", "X-WAREST-Username"):
            for value in ("", "=", "HMAC-SHA1", "HMAC-SHA256=\xe9", "HMAC-MD5"):
                assert _status(mine, event, {header: value}) == 401
        assert "Stale" not in mine.printed()
        assert _status(mine, *_of_2001(event)) == 401 and "REFUSED Stale timestamp" in mine.printed()
    assert _status(receiver, event) == 401


def _status(receiver: ForeignReceiver, event: Received, changed: dict[str, str] | None = None) -> int:
    headers = [(name, value.encode("latin-1")) for name, value in {**event.headers, **(changed or {})}.items()]
    with httpx.Client(trust_env=False) as client:
        kept = [(name.encode(), value) for name, value in headers if name != "Content-Length"]
        return client.post(receiver.url, content=event.body, headers=kept).status_code


def _of_2001(event: Received) -> tuple[Received, dict[str, str]]:
    """As somebody plays it who had it from us then: well signed, and the header says that it is new."""
    body = orjson.dumps({**event.json, "ts": 1_000_000_000_000})
    return replace(event, body=body), {"X-WAREST-Signature": webhooks.signature(OF_THE_WITNESS, OWNER, body)}


def _hooks(world: World) -> list[Received]:
    """What the witness has, all of it."""
    wanted = {id for id, name in world.happened.items() if name != "test"}

    def found() -> list[Received]:
        hooks = list(world.witness.received)
        return hooks if wanted <= {hook.headers["X-WAREST-Event-Id"] for hook in hooks} else []

    hooks = eventually(found, what="the witness to have everything")
    assert {hook.headers["X-WAREST-Event"] for hook in hooks} == NAMES
    return hooks


def _lower(hook: Received) -> dict[str, str]:
    return {name.lower(): value for name, value in hook.headers.items()}


def test_javascript_writes_the_same_bytes(world: World) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("NO NODE on PATH: the events are not compared with those of a real JSON.stringify")
    bodies = [hook.body for hook in _hooks(world)]
    written = subprocess.run([node, "-e", REWRITE], input=b"\n".join(bodies), capture_output=True, check=True).stdout
    assert written.split(b"\n") == bodies
    for awkward in (b'{"2":{"0":5,"1":3,"01":4},"10":2,"id":"ani"', b'"numbers":[1e+21', '"half �"'.encode()):
        assert any(awkward in body for body in bodies), awkward


def test_standard_webhooks_in_python(world: World) -> None:
    """Its library raises for whatever it cannot verify, and gives back what was sent."""
    library = Webhook(world.standard_secret)
    for hook in _hooks(world):
        assert library.verify(hook.body, _lower(hook))["data"]["eventId"] == hook.headers["webhook-id"]


def test_standard_webhooks_in_node(world: World, request: pytest.FixtureRequest) -> None:
    folder = npm.installed(request.config, "standardwebhooks", "standardwebhooks@1.1.1")
    hooks = [(_lower(hook), hook.body.decode()) for hook in _hooks(world)]
    hooks.append((hooks[0][0], hooks[0][1] + " "))
    told = orjson.dumps({"secret": world.standard_secret, "hooks": hooks})
    said = subprocess.run(["node", "-e", VERIFY], input=told, cwd=folder, capture_output=True, check=True).stdout
    assert said.decode().split("\n") == ["ok"] * (len(hooks) - 1) + ["No matching signature found", ""]
