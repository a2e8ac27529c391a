"""A call that WhatsApp tells of twice is rejected once, and its caller written to once."""

from typing import Any

import orjson

from warest import commands, keys
from warest.actors import calls
from warest.commands import SendText
from warest.config.house import House
from warest.contact_commands import RejectCall
from warest.store import Store

CALLER, EVENT = "628222@s.whatsapp.net", "evt_01ARYZ6S410000000000000000"


def test_the_same_commands_again(parts: House, opened: Store) -> None:
    """They have the same ids, by which a session runs each once. Without being asked for nothing happens."""
    account = opened.account_by_key("admin-key-of-the-tests")
    assert account is not None
    session = opened.create_session(account, "ani").ulid
    calls.declare(parts, opened)
    answer = parts.broker.get_actor("answer_call").fn

    def given() -> list[tuple[str, commands.Command]]:
        found: Any = parts.redis.xrange(keys.queue_stream(keys.command_queue(session)))
        messages = [orjson.loads(fields[b"message"])["kwargs"] for _, fields in found]
        return [(each["command_id"], commands.decode(each["command"])) for each in messages]

    answer(session, "C1", CALLER, EVENT)
    answer("no-such-session", "C1", CALLER, EVENT)
    assert given() == []
    opened.configure_calls(account, session, reject=True, reply="Please write.")
    answer(session, "C1", CALLER, EVENT)
    once = given()
    expected = [RejectCall(call_id="C1", caller=CALLER), SendText(to=(CALLER,), text="Please write.")]
    assert [command for _, command in once] == expected and len({id for id, _ in once}) == 2
    answer(session, "C1", CALLER, EVENT)
    assert given() == once * 2
