"""The typed client of our own HTTP API, for Python programs and for `warest session`.

    with Client("http://127.0.0.1:7308", key) as warest:
        print(warest.sessions.create("me").qr)

Each noun of the API is an attribute, each of its routes a method; frozen dataclasses come back. Whatever fails is an
ApiError. Nothing is ever sent twice: a call whose answer is lost may have done its work.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import quote

import httpx

from warest.errors import InvalidInput, WarestError
from warest.ids import Jid

#: The longest that the server takes for an answer, and some more; and for a connection, s.
PATIENCE, CONNECT_PATIENCE = 60.0, 5.0

#: The API's own code of an answer that came before the result (202).
_QUEUED = 1002

_UNKNOWN = "It may still happen: look before you ask for it again."

#: What to do about an answer, by its HTTP status. Others explain themselves.
_ADVICE = {
    202: _UNKNOWN,
    401: "Give a valid API key.",
    403: "Use a key that may do it.",
    404: "Look at the list of sessions, and which of them are open.",
    409: "Look at how the session is, and do what it advises.",
    503: "Try again later.",
    504: _UNKNOWN,
}


class ApiError(WarestError):
    """A call that did not do what it was asked for.

    `status` and `number` are those of the answer, HTTP's and the API's own, None where there was none; `advice` says
    what to do next; `retry_after` is in seconds, where the server named a time.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        number: int | None = None,
        advice: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.number = number
        self.advice = advice
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message.rstrip('.')}. {self.advice}".rstrip()


@dataclass(frozen=True)
class Pong:
    """`timestamp` is the server's time in epoch seconds."""

    timestamp: int


@dataclass(frozen=True)
class Condition:
    """How a session is: `state` is a word of docs/sessions.md, `until` epoch seconds, where a state ends by itself."""

    state: str
    reason: str
    advice: str
    until: float | None


@dataclass(frozen=True)
class Session(Condition):
    """`status` is coarser than `state`. `phone` and `name` are the account's, None until it is linked."""

    id: str
    status: str
    phone: str | None
    name: str | None


@dataclass(frozen=True)
class Device(Condition):
    """The account behind a session; `pn` and `lid` are its two addresses at WhatsApp."""

    phone: str | None
    name: str | None
    pn: str | None
    lid: str | None


@dataclass(frozen=True)
class Created:
    """`qr` is the text to be drawn, while there is one, and `qr_seconds` how long it is valid yet."""

    is_open: bool
    qr: str | None = field(repr=False)
    qr_seconds: int


@dataclass(frozen=True)
class PairCode:
    """`code` is like `ABCD-1234`; None: there is none yet, or none is needed because the session is open."""

    is_open: bool
    code: str | None


@dataclass(frozen=True)
class Webhook:
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """One recipient's message; `timestamp` is epoch seconds."""

    to: str
    message_id: str
    timestamp: int


@dataclass(frozen=True)
class Event:
    """`cursor` says where to go on after it, `ts` is epoch milliseconds, `body` what a webhook gets."""

    cursor: str
    id: str
    event: str
    session: str
    ts: int
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Page:
    """The oldest first. `next` is the cursor to go on with; `has_more`: at once, for there may be more already."""

    events: list[Event]
    next: str
    has_more: bool


@dataclass(frozen=True)
class _Answer:
    number: int
    results: list[Any]


class Client:
    """A server and a key, which goes into the header of each call and nowhere else. `key` "" calls without one.

    Raises InvalidInput for an address that is none.
    """

    def __init__(self, url: str, key: str = "", *, patience: float = PATIENCE) -> None:
        self.url = url.rstrip("/")
        self._http = _connection(self.url, key, patience)
        self.server = Server(self)
        self.sessions = Sessions(self)
        self.messages = Messages(self)
        self.events = Events(self)

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> _Answer:
        """One request. `options` are those of httpx: `params`, `json`."""
        return _read(self._asked(method, path, **options))

    def fetch(self, method: str, path: str, **options: Any) -> bytes:
        """The same, of a route that answers with a file."""
        response = self._asked(method, path, **options)
        if response.status_code == httpx.codes.OK and "json" not in response.headers.get("Content-Type", ""):
            return response.content
        _read(response)  # says what is wrong
        raise ApiError(f"{self.url} answers without a file")

    def _asked(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            advice = "Start it with `warest up`, or say where it is."
            raise ApiError(f"No server answers at {self.url} ({error})", advice=advice) from error
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise ApiError(f"No answer came from {self.url} ({said})", advice=_UNKNOWN) from error


class Server:
    """/api/v1/server"""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ping(self) -> Pong:
        (pong,) = self._client.call("GET", "/server/ping").results
        return Pong(int(pong["timestamp"]))


class Sessions:
    """/api/v1/session. A session of somebody else is as good as none there, or refused."""

    _OPEN = 1104

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, name: str) -> Created:
        """A new session, or one that starts again; it waits for a QR for some two seconds."""
        answer = self._client.call("POST", "/session/create", json={"sessionId": name})
        (created,) = answer.results
        return Created(answer.number == self._OPEN, created.get("qrString"), int(created.get("qrDuration") or 0))

    def pair_code(self, name: str, phone: str) -> PairCode:
        """As `create`, but to be linked by a code that the owner of `phone` types there."""
        answer = self._client.call("POST", "/session/create/pair-code", json={"sessionId": name, "phone": phone})
        (pairing,) = answer.results
        return PairCode(answer.number == self._OPEN, pairing.get("pairCode") or None)

    def all(self) -> list[Session]:
        (found,) = self._client.call("GET", "/session/list").results
        return [_session(item) for item in found["items"]]

    def device(self, name: str) -> Device:
        (found,) = self._client.call("GET", "/session/devices", params={"sessionId": name}).results
        return Device(**_condition(found), **{word: found[word] for word in ("phone", "name", "pn", "lid")})

    def configure(self, name: str, *, webhook_url: str | None = None, webhook_secret: str | None = None) -> Webhook:
        """Where the session's events go, from now on; None leaves a thing as it is, "" as a URL ends the webhook."""
        wanted = {"webhookUrl": webhook_url, "webhookSecret": webhook_secret}
        path = f"/session/{_segment(name)}/config"
        (kept,) = self._client.call("POST", path, json={k: v for k, v in wanted.items() if v is not None}).results
        return Webhook(kept["webhookUrl"], kept["webhookSecret"])

    def logout(self, name: str) -> None:
        """Unlink it and stop it; it stays in the list."""
        self._client.call("POST", "/session/logout", json={"sessionId": name})

    def reconnect(self, name: str) -> None:
        """Connect it anew; it is on its way when this returns."""
        self._client.call("POST", "/session/reconnect", json={"sessionId": name})

    def export(self, name: str, passphrase: str, *, stop: bool = False) -> bytes:
        """The session as a file that `passphrase` (12 characters or more) encrypts. One that runs has to be stopped."""
        body = {"passphrase": passphrase, "stop": stop}
        return self._client.fetch("POST", f"/session/{_segment(name)}/export", json=body)

    def import_file(self, file: BinaryIO, passphrase: str, name: str = "") -> str:
        """Have an exported session go on here, under its own name or another one; returns the name."""
        form = {"passphrase": passphrase, **({"sessionId": name} if name else {})}
        path, files = "/session/import", {"file": ("session.warest", file)}
        (told,) = self._client.call("POST", path, data=form, files=files).results
        return str(told["sessionId"])

    def delete(self, name: str) -> None:
        """Unlink it and forget everything about it."""
        self._client.call("DELETE", "/session/delete", json={"sessionId": name})


class Messages:
    """/api/v1/messages"""

    def __init__(self, client: Client) -> None:
        self._client = client

    def send_text(self, session: str, to: str, text: str) -> list[Sent]:
        """`to`: a number or a JID, or several with commas between them."""
        body = {"sessionId": session, "to": to, "message": text}
        sent = self._client.call("POST", "/messages/send/text", json=body).results
        return [Sent(one["to"], one["messageId"], int(one["timestamp"])) for one in sent]


class Events:
    """/api/v1/events"""

    def __init__(self, client: Client) -> None:
        self._client = client

    def after(
        self, cursor: str = "", *, sessions: Iterable[str] = (), types: Iterable[str] = (), limit: int = 100
    ) -> Page:
        """At most `limit` (500) of the events that followed; "" begins with the oldest that is kept, "now" at the end.

        No sessions, or no types, are all of them.
        """
        wanted = {"after": cursor, "session": ",".join(sessions), "types": ",".join(types), "limit": str(limit)}
        (page,) = self._client.call(
            "GET", "/events", params={name: said for name, said in wanted.items() if said}
        ).results
        return Page([_event(item) for item in page["items"]], page["next"], page["hasMore"])

    def get(self, id: str) -> Event:
        (found,) = self._client.call("GET", f"/events/{_segment(id)}").results
        return _event(found)


def _connection(url: str, key: str, patience: float) -> httpx.Client:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{url!r} is no address: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise InvalidInput(f"{url!r} is no address: it has to look like http://127.0.0.1:7308.")
    return httpx.Client(
        base_url=f"{url}/api/v1",
        headers={"X-WAREST-API-KEY": key} if key else {},
        timeout=httpx.Timeout(patience, connect=CONNECT_PATIENCE),
        trust_env=not is_local(url),  # HTTP_PROXY may be set for other reasons
    )


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(response: httpx.Response) -> _Answer:
    body = _json(response)
    number = body.get("code")
    if response.is_success and isinstance(number, int) and number != _QUEUED:
        return _Answer(number, body.get("results") or [])
    said = body.get("message") or body.get("error")
    if said is None:
        url, status = response.url.copy_with(query=None), response.status_code
        raise ApiError(f"{url} answers {status}, and not as WAREST does", status=status, advice="Look at the address.")
    seconds = response.headers.get("Retry-After", "")
    raise ApiError(
        str(said),
        status=response.status_code,
        number=number if isinstance(number, int) else None,
        advice=_advice(response, seconds),
        retry_after=int(seconds) if seconds.isdigit() else None,
    )


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _advice(response: httpx.Response, seconds: str) -> str:
    if response.status_code == 429:
        return f"Wait {seconds} s." if seconds else "Wait a minute."
    if response.status_code == 500:
        return f"The server's log says more, under request {response.headers.get('X-Request-Id', '?')}."
    return _ADVICE.get(response.status_code, "")


def _segment(name: str) -> str:
    """A name as one part of a path; a session may be called `..`."""
    return quote(name, safe="").replace(".", "%2E")


def _condition(found: Mapping[str, Any]) -> dict[str, Any]:
    return {word: found[word] for word in ("state", "reason", "advice", "until")}


def _event(item: Mapping[str, Any]) -> Event:
    told = {word: item[word] for word in ("cursor", "event", "session", "ts", "body")}
    return Event(id=item["eventId"], **told)


def _session(item: Mapping[str, Any]) -> Session:
    phone = Jid.parse(item["me"]["id"]).user if item["me"] else None
    return Session(**_condition(item), id=item["id"], status=item["status"], phone=phone, name=item["pushName"])
