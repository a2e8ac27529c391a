"""The settings of pacing: how fast people are written to who have never written to a session."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from warest.config.kinds import lower, variables
from warest.pacing import PRESETS, Rules


class PacingSettings(BaseModel):
    """Off, or one of three presets, of which each part can be set."""

    pacing: Annotated[Literal["off", "new", "warm", "trusted"], BeforeValidator(lower)] = variables(
        "WAREST_PACING",
        default="off",
        help="How people are written to who have never written first: `new` (20 s between them, 20 a day), `warm` "
        "(8 s, 60), `trusted` (2 s, 200), or `off`.",
    )
    pacing_gap: Annotated[float, Field(ge=0)] | None = variables(
        "WAREST_PACING_GAP_SEC", default=None, help="The least pause between them, if not the preset's, s."
    )
    pacing_jitter: Annotated[float, Field(ge=0)] | None = variables(
        "WAREST_PACING_JITTER_SEC", default=None, help="What is added to it at random, at most, s."
    )
    pacing_new_chats: Annotated[int, Field(ge=0)] | None = variables(
        "WAREST_PACING_NEW_CHATS", default=None, help="How many of them in a day (UTC); 0 is no limit."
    )
    pacing_types: bool | None = variables("WAREST_PACING_TYPING", default=None, help="Show them that we are typing.")


def rules_of(settings: PacingSettings) -> Rules | None:
    """None: nobody is paced."""
    if settings.pacing == "off":
        return None
    given = {
        "gap": settings.pacing_gap,
        "jitter": settings.pacing_jitter,
        "new_chats": settings.pacing_new_chats,
        "types": settings.pacing_types,
    }
    return replace(PRESETS[settings.pacing], **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
