"""The control API: what the owners of the phones do, in JSON. Every error is `{"error": "a sentence"}`."""

import base64
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from warest.errors import Conflict, InvalidInput, NotFound, WarestError
from warest.sandbox import app_state, attachments, mischief
from warest.sandbox.accounts import Account, Device
from warest.sandbox.certificates import Authority
from warest.sandbox.faults import Fault
from warest.sandbox.group_control import GroupControl
from warest.sandbox.network import Network
from warest.sandbox.presence_control import PresenceControl
from warest.sandbox.profile_control import ProfileControl
from warest.sandbox.web import Request
from warest.sandbox.writing import Writing

#: The longest wait for messages, in seconds.
MAX_WAIT = 60

_STATUS: list[tuple[type[WarestError], int]] = [(InvalidInput, 400), (NotFound, 404), (Conflict, 409)]


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any
    #: Of data that is not JSON, but bytes.
    mimetype: str = ""


class Control:
    """Routes are written as path segments; `*` stands for a phone number, and behind it for an id."""

    def __init__(self, network: Network, authority: Authority) -> None:
        self._network = network
        self._authority = authority
        groups = GroupControl(network)
        profile = ProfileControl(network)
        presence = PresenceControl(network)
        self._routes: dict[tuple[str, ...], dict[str, Callable[..., Any]]] = {
            ("health",): {"GET": self._health},
            ("network",): {"GET": self._trust},
            ("violations",): {"GET": self._violations},
            ("faults",): {"GET": self._faults, "POST": self._ask_for_fault, "DELETE": self._clear_faults},
            ("phones",): {"GET": self._phones, "POST": self._add_phone},
            ("groups",): {
                "GET": lambda _: Answer(200, groups.show_all()),
                "POST": lambda request: Answer(201, groups.create(request)),
            },
            ("channels",): {"GET": self._channels, "POST": self._add_channel},
            ("phones", "*", "group-privacy"): {
                "POST": lambda request, account: Answer(200, groups.keep_out(request, account))
            },
            ("phones", "*", "groups", "*"): {
                "POST": lambda request, account: Answer(200, groups.act(request, account))
            },
            ("phones", "*", "scan"): {"POST": self._scan},
            ("phones", "*", "link-code"): {"POST": self._type_code},
            ("phones", "*", "messages"): {"GET": self._messages},
            ("phones", "*", "media", "*"): {"GET": self._media},
            ("phones", "*", "app-state"): {"GET": self._app_state},
            ("phones", "*", "devices"): {"DELETE": self._unlink},
            ("phones", "*", "profile"): {
                "GET": lambda _, account: Answer(200, profile.show(account)),
                "POST": lambda request, account: Answer(200, profile.change(request, account)),
            },
            ("phones", "*", "presence"): {
                "GET": lambda _, account: Answer(200, presence.show(account)),
                "POST": lambda request, account: Answer(200, presence.change(request, account)),
            },
            ("phones", "*", "calls"): {
                "GET": lambda _, account: Answer(200, network.calls.show(account)),
                "POST": lambda request, account: Answer(201, presence.call(request, account)),
            },
            ("phones", "*", "contacts"): {
                "POST": lambda request, account: Answer(201, profile.name_contact(request, account))
            },
        }
        for what, write in Writing(network).routes.items():
            self._routes.setdefault(("phones", "*", what), {})["POST"] = _written(write)

    async def answer(self, request: Request) -> Answer:
        try:
            return await self._call(request)
        except WarestError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
            return Answer(status, {"error": error.message})

    async def _call(self, request: Request) -> Answer:
        phone = request.path[1] if len(request.path) > 2 else None
        path = tuple("*" if place in (1, 3) and phone else part for place, part in enumerate(request.path))
        methods = self._routes.get(path)
        if methods is None:
            return Answer(404, {"error": f"There is nothing at /{'/'.join(request.path)}."})
        if request.method not in methods:
            return Answer(405, {"error": f"/{'/'.join(request.path)} takes {', '.join(methods)}."})
        arguments = (request,) if phone is None else (request, self._network.accounts.phone(phone))
        result = methods[request.method](*arguments)
        answer: Answer = await result if inspect.isawaitable(result) else result
        return answer

    def _health(self, request: Request) -> Answer:
        return Answer(200, {"status": "ok"})

    def _trust(self, request: Request) -> Answer:
        """What a session host must know before a session can connect."""
        root = base64.b64encode(self._network.certificate.root.public).decode()
        return Answer(200, {"ca": self._authority.ca, "noiseRoot": root})

    def _violations(self, request: Request) -> Answer:
        return Answer(200, self._network.violations.list())

    def _faults(self, request: Request) -> Answer:
        return Answer(200, [fault.show() for fault in self._network.faults])

    def _ask_for_fault(self, request: Request) -> Answer:
        return Answer(201, mischief.ask(self._network, Fault.parse(request.json())))

    def _clear_faults(self, request: Request) -> Answer:
        mischief.clear(self._network)
        return Answer(200, [])

    def _phones(self, request: Request) -> Answer:
        return Answer(200, [_show(account) for account in self._network.accounts])

    def _add_phone(self, request: Request) -> Answer:
        phone = request.text("phone")
        name = request.text("name") if "name" in request.json() else phone
        return Answer(201, _show(self._network.add_phone(phone, name)))

    def _channels(self, request: Request) -> Answer:
        return Answer(200, self._network.channels.show_all())

    def _add_channel(self, request: Request) -> Answer:
        by = self._network.accounts.phone(request.text("by"))
        return Answer(201, self._network.channels.create(request.text("name"), by))

    async def _scan(self, request: Request, account: Account) -> Answer:
        return _linked(await self._network.link(account, request.text("qr")))

    async def _type_code(self, request: Request, account: Account) -> Answer:
        return _linked(await self._network.link_by_code(account, request.text("code")))

    def _media(self, request: Request, account: Account) -> Answer:
        """What a message brought, opened as the phone opens it."""
        attachment = attachments.find(self._network.history.message(account, request.path[3]))
        if attachment is None:
            raise NotFound("The message brings no file.")
        data = self._network.files.opened(attachment.part, attachment.keys)
        return Answer(200, data, _header(attachment.part.mimetype))

    async def _messages(self, request: Request, account: Account) -> Answer:
        after, wait = int(request.number("after", 0)), min(request.number("wait", 0), MAX_WAIT)
        return Answer(200, await self._network.history.wait(account, after, wait))

    def _app_state(self, request: Request, account: Account) -> Answer:
        return Answer(200, app_state.show(self._network, account))

    def _unlink(self, request: Request, account: Account) -> Answer:
        devices = list(account.devices.values())
        for device in devices:
            self._network.unlink(device)
        return Answer(200, {"unlinked": [device.id for device in devices]})


def _written(write: Callable[[Request, Account], Any]) -> Callable[[Request, Account], Answer]:
    return lambda request, account: Answer(201, write(request, account))


def _header(mimetype: str) -> str:
    """What a client has sent as a MIME type, as far as it can stand in a header."""
    return mimetype if mimetype.isascii() and mimetype.isprintable() and mimetype else "application/octet-stream"


def _linked(device: Device) -> Answer:
    return Answer(200, {"jid": str(device.pn), "lid": str(device.lid), "device": device.id})


def _show(account: Account) -> dict[str, Any]:
    devices = [
        {"id": device.id, "jid": str(device.pn), "online": device.online, "platform": device.platform}
        for device in account.devices.values()
    ]
    return {
        "phone": account.phone,
        "name": account.name,
        "jid": str(account.pn),
        "lid": str(account.lid),
        "devices": devices,
    }
