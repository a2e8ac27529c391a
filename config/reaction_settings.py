"""The settings of what is done because a receiver's answer, or the auto-reply, asks for it."""

from typing import Annotated

from pydantic import BaseModel, Field

from warest.config.kinds import Seconds, variables


class ReactionSettings(BaseModel):
    """How many actions one answer may have, and how long they may take."""

    actions_delay_ms: Annotated[int, Field(ge=0)] = variables(
        "WAREST_WEBHOOK_ACTIONS_DELAY_MS",
        default=1_200,
        help="Pause after each message that an answer's actions send, unless the answer says another, ms.",
    )
    actions_most: Annotated[int, Field(ge=0)] = variables(
        "WAREST_ACTIONS_MAX",
        default=100,
        help="Actions of one answer that are run, those within others included; 0: none.",
    )
    actions_depth: Annotated[int, Field(ge=0)] = variables(
        "WAREST_ACTIONS_DEPTH", default=5, help="How deep actions may stand within each other."
    )
    actions_pause: Seconds = variables(
        "WAREST_ACTIONS_PAUSE_SEC", default=60.0, help="The longest single pause that an action may ask for, s."
    )
    actions_seconds: Seconds = variables(
        "WAREST_ACTIONS_TIME_SEC",
        default=300.0,
        help="After so long no further action of an answer begins, nor does one wait longer for its session, s.",
    )
    action_threads: Annotated[int, Field(ge=1)] = variables(
        "WAREST_ACTION_THREADS",
        default=8,
        help="Answers whose actions one worker process runs at a time; each waits through its own pauses.",
    )
    autoreply_enabled: bool = variables("AUTOREPLY_ENABLED", default=False, help="Answer some messages by ourselves.")
    autoreply_ping_pong: bool = variables(
        "AUTOREPLY_PING_PONG", default=True, help="With AUTOREPLY_ENABLED: a text that is `ping` is answered `pong!`."
    )
