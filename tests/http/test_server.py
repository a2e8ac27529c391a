"""/api/v1/server"""

import time
from collections.abc import Callable
from datetime import datetime

from falcon import testing

Call = Callable[..., testing.Result]


def test_ping(call: Call) -> None:
    """The answer of the contract, and the time is now."""
    answer = call("GET", "/server/ping", key=None)
    assert (answer.json["status"], answer.json["code"], answer.json["message"]) == (True, 1000, "Server is alive")
    (pong,) = answer.json["results"]
    assert abs(pong["timestamp"] - time.time()) < 5 and pong["ping"] == "pong"
    assert pong["serverTimeISO"] == pong["serverTimeUTC"] and pong["serverTimeUTC"].endswith("Z")
    assert datetime.strptime(pong["serverTime"], "%A, %d %B %Y, %H:%M:%S, UTC")


def test_ping_in_another_time_zone(application: Callable[..., testing.TestClient]) -> None:
    """The time that is shown to people is theirs."""
    (pong,) = application(timezone="Asia/Jakarta").simulate_get("/api/v1/server/ping").json["results"]
    shown = datetime.strptime(pong["serverTime"], "%A, %d %B %Y, %H:%M:%S, Asia/Jakarta")
    assert (
        abs((shown - datetime.strptime(pong["serverTimeUTC"], "%Y-%m-%dT%H:%M:%S.%fZ")).total_seconds() - 7 * 3600) < 2
    )
