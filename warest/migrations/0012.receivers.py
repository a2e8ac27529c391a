"""The receiver of each session becomes its first endpoint, under the session's own id."""

import base64
import os
import time
from typing import Any

import orjson
from yoyo import step

__depends__ = {"0011.endpoints"}


def _mark(connection: Any) -> str:
    return "?" if type(connection).__module__.startswith("sqlite3") else "%s"


def apply(connection: Any) -> None:
    """Each with a secret of its own for Standard Webhooks."""
    now, mark = time.time(), _mark(connection)
    cursor = connection.cursor()
    cursor.execute("SELECT id, registry, webhook_url, webhook_secret FROM sessions")
    for id, registry, url, secret in list(cursor.fetchall()):
        standard = "whsec_" + base64.b64encode(os.urandom(24)).decode()
        secrets = orjson.dumps([{"secret": secret, "standard": standard, "until": None}]).decode()
        values = (id, registry, id, url, "", secrets, "enabled", "", now, now)
        cursor.execute(f"INSERT INTO endpoints VALUES ({', '.join([mark] * len(values))})", values)
    cursor.close()


def back(connection: Any) -> None:
    """They go back to their sessions, without a secret that has been encrypted since: it has no place there."""
    mark = _mark(connection)
    cursor = connection.cursor()
    cursor.execute("SELECT id, url, secrets FROM endpoints WHERE id = session")
    for id, url, secrets in list(cursor.fetchall()):
        secret = orjson.loads(secrets)[0]["secret"] if secrets.startswith("[") else ""
        values = (url, secret, id)
        cursor.execute(f"UPDATE sessions SET webhook_url = {mark}, webhook_secret = {mark} WHERE id = {mark}", values)
    cursor.execute("DELETE FROM endpoints")
    cursor.close()


steps = [step(apply, back)]
