"""/api/v1/profile: what the session's account shows of itself, whom it knows, and who is on WhatsApp.

Facts: contract, endpoints.md section 10; quirks Q14 and S3. The session is looked at first, then the rest.
"""

from collections.abc import Iterator
from typing import Any

import falcon
from pydantic import AliasChoices, Field

from warest import ids
from warest.bus import Bus
from warest.commands import Command
from warest.config.settings import Settings
from warest.http.asking import Asker
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.operation import Answer, Parameters, Result, Word, operation
from warest.http.portraits import Portraits
from warest.http.sessions import SessionAccess, phone_of
from warest.http.support import REMOVAL
from warest.profile_commands import AskPrivacy, HidePicture, LookAt, ShowPicture
from warest.states import SessionState, States
from warest.store import SessionRecord

CODES = (
    Code.MISSING_PARAMETER, Code.INVALID_PARAMETER, Code.SESSION_NOT_FOUND, Code.FORBIDDEN,
    Code.SESSION_NOT_LOGGED_IN, Code.DOWNSTREAM_ERROR, Code.QUEUED,
)  # fmt: skip


#: As one looks.
_URL = "https://pps.whatsapp.net/v/t61.24694-24/picture.jpg"
_PICTURE = {"url": _URL, "id": "1767225600", "type": "image", "imgFull": _URL, "imgPreview": _URL}


class OfSession(Parameters):
    """`sessionId`, or the number of a session that is online in `phone`. Names may be in any case."""

    any_case = True

    session_id: Word = Field(None, validation_alias=AliasChoices("sessionId", "id", "session"))
    phone: Word = Field(None, validation_alias=AliasChoices("phone", "number", "user", "msisdn", "phonenumber"))


class NewPicture(OfSession):
    """`picture`: a URL, a data URI or base64."""

    picture: Word = Field(None, validation_alias=AliasChoices("picture", "image", "photo", "avatar"))


class ShownPicture(Result):
    """`url` is where the whole picture is, else the small one; both expire. All of them are null without a picture."""

    phone: str | None
    url: str | None
    id: str | None
    type: str | None
    imgFull: str | None
    imgPreview: str | None


class ProfileTold(Result):
    """`businessProfile` is always null: the engine cannot ask for it. `pn`, `lid` and `contactId`: both names of the
    account, and the one that lasts."""

    phone: str | None
    verifiedName: str | None
    pushName: str | None
    about: str | None
    pictureId: str | None
    businessProfile: dict[str, Any] | None = Field(examples=[None])
    entries: dict[str, Any] = Field(
        examples=[{"User": "628111222333", "Agent": 0, "Device": 2, "Server": "s.whatsapp.net"}]
    )
    profilePicture: dict[str, Any] = Field(examples=[_PICTURE])
    pn: str | None
    lid: str | None
    contactId: str | None


class Privacy(Result):
    """WhatsApp's words, such as all, contacts or none; null is what the engine does not know. (`stikers` is how the
    original spells it.)"""

    phone: str | None
    readReceipts: str | None = Field(examples=["all"])
    profilePhoto: str | None = Field(examples=["contacts"])
    status: str | None = Field(examples=["all"])
    online: str | None = Field(examples=["match_last_seen"])
    lastSeen: str | None = Field(examples=["contacts"])
    groupAdd: str | None = Field(examples=["contacts"])
    callAdd: str | None = Field(examples=["all"])
    stikers: str | None = Field(examples=[None])
    messages: str | None = Field(examples=[None])


class Profile:
    """What the resources of this noun share."""

    def __init__(self, bus: Bus, access: SessionAccess, states: States, settings: Settings, others: Asker) -> None:
        self._bus = bus
        self._access = access
        self._states = states
        self.settings = settings
        self.others = others

    def session(self, request: falcon.Request, given: OfSession) -> tuple[SessionRecord, SessionState]:
        """One that is online, and how it is."""
        if given.session_id is None and not given.phone:
            raise Refusal(Code.MISSING_PARAMETER, "Provide sessionId or phone")
        record = self._access.online(request.context.account, given.session_id, given.phone)
        return record, self._states.get(record.ulid)

    def ask(self, record: SessionRecord, command: Command) -> Any:
        return self._bus.call(record.ulid, command, self.settings.command_timeout)

    def own(self, record: SessionRecord, state: SessionState) -> dict[str, Any]:
        """The fields of `profile_commands.Shown`, as they are now."""
        (shown,) = self.ask(record, LookAt(jids=(str(_me(state)),), pictures=True))
        return dict(shown)


class ProfileInfo:
    """/api/v1/profile/info"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation(
        "What the account shows of itself", family=Family.E1, parameters=OfSession, result=ProfileTold, codes=CODES
    )
    def on_get(self, request: falcon.Request, parameters: OfSession) -> Answer:
        record, state = self._profile.session(request, parameters)
        shown, me = self._profile.own(record, state), _me(state)
        device = ids.Jid.parse((state.me or {})["id"]).device
        picture = _picture(shown)
        info = ProfileTold(
            phone=phone_of(state),
            verifiedName=shown["verified_name"] or None,
            pushName=shown["push_name"] or None,
            about=shown["about"] or None,
            pictureId=shown["picture_id"] or picture["id"],
            businessProfile=None,
            entries={"User": me.user, "Agent": 0, "Device": device, "Server": me.server},
            profilePicture=picture,
            pn=shown["pn"] or None,
            lid=shown["lid"] or None,
            contactId=shown["lid"] or shown["pn"] or None,
        )
        return Answer([info.model_dump()], "Profile info fetched")


class ProfilePicture:
    """/api/v1/profile/picture"""

    def __init__(self, profile: Profile, portraits: Portraits) -> None:
        self._profile = profile
        self._portraits = portraits

    @operation("The account's picture", family=Family.E1, parameters=OfSession, result=ShownPicture, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: OfSession) -> Answer:
        record, state = self._profile.session(request, parameters)
        return Answer([self._shown(record, state)], "Profile picture fetched")

    @operation(
        "Show another picture",
        family=Family.E1,
        parameters=NewPicture,
        result=ShownPicture,
        codes=(*CODES, Code.TIMEOUT, Code.SERVICE_UNAVAILABLE),
    )
    def on_post(self, request: falcon.Request, parameters: NewPicture) -> Answer:
        record, state = self._profile.session(request, parameters)
        if not parameters.picture:
            raise Refusal(Code.MISSING_PARAMETER, "picture is required")
        self._profile.ask(record, ShowPicture(file=self._portraits.spooled(parameters.picture)))
        return Answer([self._shown(record, state)], "Profile picture updated")

    @operation(
        "Show no picture any more",
        family=Family.E1,
        parameters=OfSession,
        codes=(*CODES, Code.NOT_IMPLEMENTED),
        limit=REMOVAL,
    )
    def on_delete(self, request: falcon.Request, parameters: OfSession) -> Answer:
        record, _ = self._profile.session(request, parameters)
        self._profile.ask(record, HidePicture())
        return Answer([], "Profile picture removed")

    def _shown(self, record: SessionRecord, state: SessionState) -> dict[str, Any]:
        shown = self._profile.own(record, state)
        return ShownPicture(phone=phone_of(state), **_picture(shown)).model_dump()


class ProfilePrivacy:
    """/api/v1/profile/privacy"""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @operation("Who may see what", family=Family.E1, parameters=OfSession, result=Privacy, codes=CODES)
    def on_get(self, request: falcon.Request, parameters: OfSession) -> Answer:
        record, state = self._profile.session(request, parameters)
        said = {name: word or None for name, word in self._profile.ask(record, AskPrivacy()).items()}
        told = Privacy(phone=phone_of(state), **said, stikers=None, messages=None)
        return Answer([told.model_dump()], "Privacy settings fetched")


def pictures_of(shown: dict[str, Any]) -> dict[str, str | None]:
    """Where both sizes of a picture are."""
    return {name: shown[name]["url"] if shown[name] else None for name in ("full", "preview")}


def _picture(shown: dict[str, Any]) -> dict[str, Any]:
    best, urls = shown["full"] or shown["preview"], pictures_of(shown)
    return {
        "url": best["url"] if best else None,
        "id": best["id"] if best else None,
        "type": best["type"] if best else None,
        "imgFull": urls["full"],
        "imgPreview": urls["preview"],
    }


def _me(state: SessionState) -> ids.Jid:
    return ids.Jid.parse((state.me or {})["id"]).account


def routes(profile: Profile, portraits: Portraits) -> Iterator[tuple[str, Any]]:
    yield "/api/v1/profile/info", ProfileInfo(profile)
    yield "/api/v1/profile/picture", ProfilePicture(profile, portraits)
    yield "/api/v1/profile/privacy", ProfilePrivacy(profile)
