"""The control API's calls about what the phones' owners show of themselves, and about their address books."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from warest.errors import InvalidInput
from warest.sandbox import profiles
from warest.sandbox.accounts import Account
from warest.sandbox.web import Request

if TYPE_CHECKING:
    from warest.sandbox.network import Network


class ProfileControl:
    def __init__(self, network: "Network") -> None:
        self._network = network

    def show(self, account: Account) -> dict[str, Any]:
        """`picture` is in base64."""
        facts = self._network.profiles.facts(account)
        return {
            "about": account.about,
            "pictureId": facts.picture_id,
            "picture": base64.b64encode(self._network.profiles.picture(account)).decode(),
            "privacy": facts.privacy,
            "business": facts.business,
            "blocked": facts.blocked,
            "timer": facts.timer,
        }

    def change(self, request: Request, account: Account) -> dict[str, Any]:
        """Whatever of `about`, `picture`, `privacy` and `business` the body has."""
        told, known = request.json(), self._network.profiles
        if "about" in told:
            self._network.accounts.tell_about(account, _text(told, "about"))
        if "business" in told:
            known.set_business(account, _text(told, "business"))
        for name, value in dict(told.get("privacy") or {}).items():
            known.set_privacy(account, str(name), str(value))
        if "picture" in told:
            known.set_picture(account, _bytes(_text(told, "picture")))
            profiles.tell_of_picture(self._network, account)
        return self.show(account)

    def name_contact(self, request: Request, account: Account) -> dict[str, Any]:
        phone, name = request.text("phone"), request.text("name")
        profiles.name_contact(self._network, account, self._network.accounts.phone(phone).phone, name)
        return {"phone": phone, "name": name}


def _text(told: dict[str, Any], name: str) -> str:
    if not isinstance(value := told[name], str):
        raise InvalidInput(f'"{name}" has to be a text.')
    return value


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidInput("The picture is not in base64.") from None
