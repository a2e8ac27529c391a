"""Channels: whose they are, who follows them, and what was posted there. They are few: the store has one JSON."""

import json
import secrets
from typing import Any

from google.protobuf.message import DecodeError

from warest.ids import Jid
from warest.sandbox import reading
from warest.sandbox.accounts import Account
from warest.sandbox.nodes import MalformedNode, Node
from warest.sandbox.refusal import Refusal
from warest.sandbox.store import Store
from warest.whatsapp import protos

SERVER = "newsletter"

_NAME = "channels"


class Channels:
    def __init__(self, store: Store) -> None:
        self._store = store
        found = store.read("select value from settings where name = ?", _NAME)
        self._all: dict[str, dict[str, Any]] = json.loads(found[0][0]) if found else {}

    def show_all(self) -> list[dict[str, Any]]:
        """`by` and `followers` are phone numbers, `posts` texts."""
        return [{"id": jid, **channel} for jid, channel in self._all.items()]

    def create(self, name: str, by: Account) -> dict[str, Any]:
        jid = f"120363{secrets.randbelow(10**12):012}@{SERVER}"
        self._all[jid] = {"name": name, "by": by.phone, "followers": [], "posts": []}
        self._save()
        return {"id": jid, **self._all[jid]}

    def follow(self, who: Account, jid: str, *, follows: bool) -> None:
        """A second time it changes nothing. Raises Refusal."""
        followers = self._find(jid)["followers"]
        if follows != (who.phone in followers):
            (followers.append if follows else followers.remove)(who.phone)
            self._save()

    def post(self, who: Account, jid: Jid, stanza: Node) -> None:
        """What is posted is not encrypted. Raises Refusal for whoever may not."""
        channel = self._find(str(jid))
        if channel["by"] != who.phone:
            raise Refusal(403, "forbidden")
        try:
            message = protos.e2e.Message.FromString(stanza.child("plaintext").data)
        except DecodeError as error:
            raise MalformedNode("<plaintext> holds no Message") from error
        channel["posts"].append(reading.text_of(message))
        self._save()

    def _find(self, jid: str) -> dict[str, Any]:
        if jid not in self._all:
            raise Refusal(404, "item-not-found")
        return self._all[jid]

    def _save(self) -> None:
        self._store.write("insert or replace into settings values (?, ?)", _NAME, json.dumps(self._all).encode())
