"""The control API's calls about groups: what the owner of a phone does to a group that he is in, or would be in."""

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from warest.errors import Conflict, InvalidInput
from warest.sandbox import composing
from warest.sandbox.accounts import Account
from warest.sandbox.groups import Group
from warest.sandbox.network import Network
from warest.sandbox.refusal import Refusal
from warest.sandbox.web import Request

Told = dict[str, Any]


class GroupControl:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._deeds = network.deeds
        self._does: dict[str, Callable[[Account, Group, Told], object]] = {
            **{change: self._changes(change) for change in ("add", "remove", "promote", "demote")},
            "rename": lambda by, group, told: self._deeds.rename(by, group, composing.text(told, "name")),
            "describe": lambda by, group, told: self._deeds.describe(by, group, str(told.get("text", ""))),
            "settings": self._set,
            "expire": lambda by, group, told: self._deeds.expire(by, group, _seconds(told)),
            "picture": lambda by, group, told: self._deeds.picture(by, group, _bytes(told)),
            "revoke-invite": lambda by, group, told: self._deeds.invite(by, group, anew=True),
            "approve": lambda by, group, told: self._deeds.decide(by, group, self._people(told), approve=True),
            "reject": lambda by, group, told: self._deeds.decide(by, group, self._people(told), approve=False),
            "leave": lambda by, group, told: self._deeds.leave(by, group),
        }

    def show_all(self) -> list[Told]:
        return [self.show(group) for group in self._network.groups]

    def create(self, request: Request) -> Told:
        told = request.json()
        by, name = self._network.accounts.phone(composing.text(told, "by")), composing.text(told, "name")
        with _refusing():
            if "groups" in told:  # of a community
                names = composing.texts(told, "groups")
                return self.show(self._deeds.create_community(by, name, self._people(told), names))
            return self.show(self._deeds.create(by, name, self._people(told)))

    def keep_out(self, request: Request, who: Account) -> Told:
        """`addable`: whether others may add the phone's owner to their groups."""
        addable = request.json().get("addable")
        if not isinstance(addable, bool):
            raise InvalidInput('"addable" must be true or false.')
        self._network.groups.let_add(who, addable)
        return {"addable": addable}

    def act(self, request: Request, by: Account) -> Told:
        """What the last part of the path names; `group` is the address of one, of `join` the `code` of its link."""
        told, deed = request.json(), request.path[3]
        with _refusing():
            if deed == "join":
                group, _ = self._deeds.join(by, composing.text(told, "code"))
                return self.show(group)
            if deed not in self._does:
                raise InvalidInput(f"A phone can {', '.join((*self._does, 'join'))}.")
            group = self._network.groups.named(composing.text(told, "group"))
            self._does[deed](by, group, told)
            return self.show(group)

    def show(self, group: Group) -> Told:
        facts = group.facts
        return {
            "id": group.key,
            "name": group.name,
            "by": group.creator.phone,
            "members": [member.phone for member in group.roles],
            "admins": [member.phone for member, role in group.roles.items() if role],
            "description": facts.description,
            "locked": facts.locked,
            "announcement": facts.announcement,
            "approval": facts.approval,
            "expiration": facts.expiration,
            "invite": facts.invite,
            "requests": [who.phone for who in group.requests],
            "picture": len(self._network.groups.picture(group)),
        }

    def _changes(self, change: str) -> Callable[[Account, Group, Told], object]:
        return lambda by, group, told: self._deeds.change(by, group, change, self._people(told))

    def _set(self, by: Account, group: Group, told: Told) -> None:
        for name in ("locked", "announcement", "approval"):
            if name in told:
                self._deeds.set(by, group, name, bool(told[name]))

    def _people(self, told: Told) -> list[Account]:
        return [self._network.accounts.phone(number) for number in composing.texts(told, "members")]


@contextmanager
def _refusing() -> Iterator[None]:
    """What WhatsApp would refuse is a conflict here."""
    try:
        yield
    except Refusal as refusal:
        raise Conflict(f"WhatsApp refuses it with {refusal.code}, {refusal.text}.") from refusal


def _seconds(told: Told) -> int:
    seconds = told.get("seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        raise InvalidInput('"seconds" must be a number; 0 keeps messages for good.')
    return seconds


def _bytes(told: Told) -> bytes:
    try:
        return base64.b64decode(str(told.get("data", "")), validate=True)
    except binascii.Error:
        raise InvalidInput('"data" must be a JPEG in base64, or empty.') from None
