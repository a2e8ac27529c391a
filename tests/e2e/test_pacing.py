"""A session that is careful with strangers: they get their messages one after the other, friends at once."""

from pathlib import Path

from support.product import running
from support.waiting import eventually

ANI, BUDI, CITRA, DEWI = (f"62813000700{n}" for n in range(1, 5))


def test_strangers_and_friends(folder: Path) -> None:
    """The second stranger waits, and the answer says so; a friend does not, and all get what was sent to them."""
    settings = {"WAREST_PACING": "new", "WAREST_PACING_GAP_SEC": "4", "WAREST_PACING_JITTER_SEC": "0"}
    with running(folder, **settings, WAREST_PACING_TYPING="false") as product:
        product.link("ani", ANI)
        for phone in (BUDI, CITRA, DEWI):
            product.sandbox("POST", "/phones", json={"phone": phone, "name": phone})
        product.phone_sends(DEWI, ANI, "I am a friend")
        eventually(lambda: product.api("GET", "/chats", params={"sessionId": "ani"})["result"]["data"])
        assert product.send("ani", BUDI, "first")["code"] == 1000
        waits = product.send("ani", CITRA, "second")
        assert (waits["code"], waits["results"][0]["status"]) == (1002, "pending")
        assert product.send("ani", DEWI, "to a friend")["code"] == 1000
        assert not product.phone_has(CITRA, "second")
        eventually(lambda: product.phone_has(CITRA, "second"), within=15)
        job = waits["results"][0]["jobId"]
        eventually(lambda: product.api("GET", f"/messages/jobs/{job}")["results"][0]["status"] == "sent")
        pacing = product.session("ani")["pacing"]
        assert (pacing["preset"], pacing["gapSeconds"], pacing["newChatsToday"]) == ("new", 4.0, 2)
