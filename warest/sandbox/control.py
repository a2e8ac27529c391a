"""The control API: what the owners of the phones do, in JSON. Every error is `{"error": "a sentence"}`."""

import base64
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from warest.errors import Conflict, InvalidInput, NotFound, WarestError
from warest.sandbox import mischief
from warest.sandbox.accounts import Account, Device
from warest.sandbox.certificates import Authority
from warest.sandbox.faults import Fault
from warest.sandbox.media import PARTS
from warest.sandbox.media_host import HOST
from warest.sandbox.network import Network
from warest.sandbox.web import Request
from warest.whatsapp import protos

#: The longest wait for messages, in seconds.
MAX_WAIT = 60

_STATUS: list[tuple[type[WarestError], int]] = [(InvalidInput, 400), (NotFound, 404), (Conflict, 409)]


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any


class Control:
    """Routes are written as path segments; `*` stands for a phone number."""

    def __init__(self, network: Network, authority: Authority) -> None:
        self._network = network
        self._authority = authority
        self._routes: dict[tuple[str, ...], dict[str, Callable[..., Any]]] = {
            ("health",): {"GET": self._health},
            ("network",): {"GET": self._trust},
            ("violations",): {"GET": self._violations},
            ("faults",): {"GET": self._faults, "POST": self._ask_for_fault, "DELETE": self._clear_faults},
            ("phones",): {"GET": self._phones, "POST": self._add_phone},
            ("phones", "*", "scan"): {"POST": self._scan},
            ("phones", "*", "link-code"): {"POST": self._type_code},
            ("phones", "*", "messages"): {"GET": self._messages, "POST": self._send},
            ("phones", "*", "file"): {"GET": self._file},
            ("phones", "*", "devices"): {"DELETE": self._unlink},
        }

    async def answer(self, request: Request) -> Answer:
        try:
            return await self._call(request)
        except WarestError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
            return Answer(status, {"error": error.message})

    async def _call(self, request: Request) -> Answer:
        phone = request.path[1] if len(request.path) == 3 else None
        path = request.path if phone is None else (request.path[0], "*", request.path[2])
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

    async def _scan(self, request: Request, account: Account) -> Answer:
        return _linked(await self._network.link(account, request.text("qr")))

    async def _type_code(self, request: Request, account: Account) -> Answer:
        return _linked(await self._network.link_by_code(account, request.text("code")))

    def _send(self, request: Request, account: Account) -> Answer:
        to = self._network.accounts.phone(request.text("to"))
        data = request.json()
        message = self._with_file(data["file"]) if "file" in data else _text(request.text("text"))
        return Answer(201, {"id": self._network.phones.send(account, to, message)})

    async def _messages(self, request: Request, account: Account) -> Answer:
        after, wait = int(request.number("after", 0)), min(request.number("wait", 0), MAX_WAIT)
        return Answer(200, await self._network.history.wait(account, after, wait))

    def _with_file(self, told: Any) -> Any:
        """A message that brings a file: `{"kind": "image", "data": base64, "mimetype", "caption", "name"}`."""
        field = f"{told.get('kind')}Message" if isinstance(told, dict) else ""
        if field not in PARTS:
            raise InvalidInput(f'"file" needs a kind: {", ".join(name.removesuffix("Message") for name in PARTS)}.')
        try:
            content = base64.b64decode(told.get("data", ""), validate=True)
        except (ValueError, TypeError):
            raise InvalidInput('"data" of a file is base64.') from None
        file = self._network.files.put(PARTS[field], content)
        message = protos.e2e.Message()
        part = getattr(message, field)
        part.mimetype, part.fileLength, part.mediaKey = told.get("mimetype", ""), file.size, file.key
        part.URL, part.directPath = f"https://{HOST}{file.path}", file.path
        part.fileSHA256, part.fileEncSHA256 = file.sha256, file.encrypted_sha256
        for name, value in (("caption", told.get("caption")), ("fileName", told.get("name"))):
            if value and hasattr(part, name):
                setattr(part, name, value)
        return message

    def _file(self, request: Request, account: Account) -> Answer:
        """What a message brought, opened as the phone opens it."""
        message = self._network.history.message(account, request.query.get("id", ""))
        data = self._network.files.of_message(message)
        return Answer(200, {"data": base64.b64encode(data).decode()})

    def _unlink(self, request: Request, account: Account) -> Answer:
        devices = list(account.devices.values())
        for device in devices:
            self._network.unlink(device)
        return Answer(200, {"unlinked": [device.id for device in devices]})


def _text(text: str) -> Any:
    return protos.e2e.Message(conversation=text)


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
