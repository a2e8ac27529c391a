"""Speaks to an installation's API and to its sandbox, as the tests' users and phones do."""

import base64
from typing import Any

import httpx

from support.waiting import eventually


class Client:
    """`key` is an API key; it is only asked for when a call needs it."""

    port: int
    sandbox_port: int
    http: httpx.Client

    @property
    def key(self) -> str:
        raise NotImplementedError

    def api(self, method: str, path: str, **options: Any) -> Any:
        """The JSON that the API answers."""
        headers = {"X-WAREST-API-KEY": self.key} | options.pop("headers", {})
        url = f"http://127.0.0.1:{self.port}/api/v1{path}"
        return self.http.request(method, url, headers=headers, **options).json()

    def sandbox(self, method: str, path: str, **options: Any) -> Any:
        return self._of_sandbox(method, path, **options).json()

    def _of_sandbox(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self.http.request(method, f"http://127.0.0.1:{self.sandbox_port}{path}", **options)
        assert answer.status_code < 300, answer.text
        return answer

    def link(self, session: str, phone: str, webhook: str = "") -> None:
        """A new phone, a new session, and the phone scans the session's QR."""
        self.sandbox("POST", "/phones", json={"phone": phone, "name": session})
        self.scan(session, phone, webhook)

    def scan(self, session: str, phone: str, webhook: str = "") -> None:
        """A new session, whose QR a phone scans that is there."""
        qr = eventually(
            lambda: self.api("GET", "/session/create", params={"sessionId": session})["results"][0]["qrString"]
        )
        if webhook:
            self.api("POST", f"/session/{session}/config", json={"webhookUrl": webhook, "webhookSecret": "a-secret"})
        self.sandbox("POST", f"/phones/{phone}/scan", json={"qr": qr})
        self.wait_open(session)

    def wait_open(self, session: str, within: float = 30) -> None:
        eventually(
            lambda: self.session(session)["status"] == "open", within=within, what=f"session {session} to be open"
        )

    def session(self, session: str) -> dict[str, Any]:
        items: list[dict[str, Any]] = self.api("GET", "/session/list")["results"][0]["items"]
        return next(item for item in items if item["id"] == session)

    def send(self, session: str, to: str, text: str) -> Any:
        return self.api("POST", "/messages/send/text", json={"sessionId": session, "to": to, "message": text})

    def send_document(self, session: str, to: str, name: str, content: bytes, **fields: str) -> Any:
        """As a form, with the file."""
        given = {"sessionId": session, "to": to, **fields}
        return self.api("POST", "/messages/send/document", data=given, files={"document": (name, content)})

    def file_of(self, phone: str, name: str) -> bytes | None:
        """What the phone got under this name, as it opens it."""
        for message in self.sandbox("GET", f"/phones/{phone}/messages", params={"after": 0, "wait": 0}):
            if message.get("file", {}).get("name") == name:
                return self.media_of(phone, message["id"])
        return None

    def media_of(self, phone: str, message_id: str) -> bytes:
        """The file that a message brought to the phone, as it opens it."""
        return self._of_sandbox("GET", f"/phones/{phone}/media/{message_id}").content

    def phone_sends_media(self, phone: str, to: str, kind: str, content: bytes, **told: Any) -> str:
        """The id of the message."""
        body = {"to": to, "kind": kind, "data": base64.b64encode(content).decode(), **told}
        return str(self.sandbox("POST", f"/phones/{phone}/media", json=body)["id"])

    def phone_sends(self, phone: str, to: str, text: str) -> str:
        return str(self.sandbox("POST", f"/phones/{phone}/messages", json={"to": to, "text": text})["id"])

    def phone_has(self, phone: str, text: str) -> bool:
        messages = self.sandbox("GET", f"/phones/{phone}/messages", params={"after": 0, "wait": 0})
        return any(message["text"] == text for message in messages if message["kind"] == "text")

    def texts(self, phone: str) -> list[str]:
        """Every text that others have sent to it, oldest first."""
        found: list[str] = []
        last = 0
        while page := self.sandbox("GET", f"/phones/{phone}/messages", params={"after": last, "wait": 0}):
            found += [message["text"] for message in page if message["kind"] == "text" and not message["fromMe"]]
            last = page[-1]["seq"]
        return found

    def violations(self) -> list[Any]:
        return list(self.sandbox("GET", "/violations"))
