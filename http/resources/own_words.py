"""/api/v1/profile: what the account says of itself, its name and the text under it. Beyond the contract."""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Result, Word, operation
from warest.http.resources.profile import CODES, OfSession, Profile
from warest.http.sessions import phone_of
from warest.profile_commands import SetAbout, SetName

#: What phones let their owners write, in characters.
_LONGEST_NAME, _LONGEST_ABOUT = 25, 139

_CODES = (*CODES, Code.BAD_REQUEST)


class NewName(OfSession):
    """`name`: 1 to 25 characters."""

    name: Word = Field(None, validation_alias=AliasChoices("name", "pushName"), examples=["Ani's shop"])


class NewAbout(OfSession):
    """`about`: up to 139 characters; an empty one takes it away."""

    about: Word = Field(None, examples=["Open from nine to five"])


class Named(Result):
    phone: str | None
    pushName: str = Field(examples=["Ani's shop"])


class Described(Result):
    phone: str | None
    about: str = Field(examples=["Open from nine to five"])


class ProfileName:
    """/api/v1/profile/name"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation("What the account calls itself", family=Family.E1, parameters=NewName, result=Named, codes=_CODES)
    def on_post(self, request: falcon.Request, parameters: NewName) -> Answer:
        record, state = self._profile.session(request, parameters)
        name = (parameters.name or "").strip()
        if not name:
            raise Refusal(Code.MISSING_PARAMETER, "name is required")
        _within(name, "name", _LONGEST_NAME)
        self._profile.ask(record, SetName(name=name))
        return Answer([Named(phone=phone_of(state), pushName=name).model_dump()], "Profile name updated")


class ProfileAbout:
    """/api/v1/profile/about"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation(
        "The text that the account shows about itself",
        family=Family.E1,
        parameters=NewAbout,
        result=Described,
        codes=_CODES,
    )
    def on_post(self, request: falcon.Request, parameters: NewAbout) -> Answer:
        record, state = self._profile.session(request, parameters)
        if parameters.about is None:
            raise Refusal(Code.MISSING_PARAMETER, "about is required")
        _within(parameters.about, "about", _LONGEST_ABOUT)
        self._profile.ask(record, SetAbout(text=parameters.about))
        told = Described(phone=phone_of(state), about=parameters.about)
        return Answer([told.model_dump()], "Profile about updated")


def _within(text: str, what: str, most: int) -> None:
    if len(text) > most:
        raise Refusal(Code.INVALID_PARAMETER, f"{what} may have {most} characters at most")


def routes(profile: Profile) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/profile/name", ProfileName(profile)
    yield "/api/v1/profile/about", ProfileAbout(profile)
