"""/api/v1/messages/send: contact, location, poll; what is no file, and more than a text.

Facts: contract, endpoints.md section 6.
"""

import re
from typing import Annotated, Any

import falcon
from pydantic import AliasChoices, Field

from warest import places, texts, vcards
from warest.commands import SendContacts, SendLiveLocation, SendLocation, SendPoll
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.loose import Loose
from warest.http.operation import Answer, Word, operation
from warest.http.sending import CODES, Sending, SendParameters, SentEntry, Shown, message_id
from warest.http.support import STANDS_STILL
from warest.loose import first, parsed, word, words

#: Cards of one message, and options of a poll.
MOST_CARDS, MOST_OPTIONS = 100, 100

_CONTACTS = ("contact", "contacts")
_LOCATIONS = ("location", "loc")


class ContactToSend(SendParameters):
    """`contact`: name, fullName, phone, organization, email; or a list of such. Or those names without it: `phone`
    is then the contact's if `sessionId` is given, and `contactPhone` always."""

    contact: Loose = Field(None, validation_alias=AliasChoices(*_CONTACTS))
    name: Word = Field(None, validation_alias=AliasChoices("name", "contactName"))
    full_name: Word = Field(None, alias="fullName")
    contact_phone: Word = Field(None, alias="contactPhone")
    organization: Word = Field(None, validation_alias=AliasChoices("organization", "org"))
    email: Word = Field(None, validation_alias=AliasChoices("email", "contactEmail"))


class Point(SendParameters):
    """A place in the forms of LocationToSend."""

    location: Loose = Field(None, validation_alias=AliasChoices(*_LOCATIONS))
    latitude: Word = Field(None, validation_alias=AliasChoices("latitude", "lat"))
    longitude: Word = Field(None, validation_alias=AliasChoices("longitude", "lng"))


class LocationToSend(Point):
    """`location`: latitude, longitude, name, address; or `[lat, lng]`, or `lat,lng`. Or those names without it."""

    name: Word = None
    address: Word = None


class LiveLocationToSend(Point):
    """`location` as in send/location. `accuracy`: m; `speed`: m/s; `heading`: degrees clockwise from north."""

    caption: Word = None
    accuracy: Annotated[int, Field(ge=0, le=100_000)] | None = None
    speed: Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)] | None = None
    heading: Annotated[int, Field(ge=0, le=360)] | None = None


class PollToSend(SendParameters):
    """`maxSelection`: how many options one may choose. `poll` may hold all three, or only the options."""

    poll: Loose = None
    question: Word = Field(None, validation_alias=AliasChoices("question", "name"))
    options: Loose = None
    max_selection: Word = Field(None, validation_alias=AliasChoices("maxSelection", "selectableCount"))


class SendContact:
    """/api/v1/messages/send/contact"""

    def __init__(self, sending: Sending, country_code: str) -> None:
        self._sending = sending
        self._country_code = country_code

    @operation("Send a contact card, or several", family=Family.E2, parameters=ContactToSend, result=SentEntry,
               codes=CODES)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: ContactToSend) -> Answer:
        record, to = self._sending.addressed(request, parameters)
        cards = [vcards.card_of(given, self._country_code) for given in _contacts(parameters)]
        title = cards[0].shown if len(cards) == 1 else f"{len(cards)} contacts"
        command = SendContacts(
            to=to,
            cards=tuple((card.shown, vcards.write(card)) for card in cards),
            title=title,
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )
        shown = Shown("Contact message", "contact", {"displayName": title})
        return self._sending.send(request, parameters, record, command, shown)


class SendLocationResource:
    """/api/v1/messages/send/location"""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    @operation("Send a place", family=Family.E2, parameters=LocationToSend, result=SentEntry,
               codes=(*CODES, Code.POLL_INVALID))  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: LocationToSend) -> Answer:
        record, to = self._sending.addressed(request, parameters)
        latitude, longitude, name, address = _place(parameters)
        command = SendLocation(
            to=to,
            latitude=latitude,
            longitude=longitude,
            name=name,
            address=address,
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )
        told = {
            "degreesLatitude": latitude,
            "degreesLongitude": longitude,
            **({"name": name} if name else {}),
            **({"address": address} if address else {}),
        }
        shown = Shown("Location message", "location", {"location": told})
        return self._sending.send(request, parameters, record, command, shown)


class SendLiveLocationResource:
    """/api/v1/messages/send/live-location; our own, the original has none"""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    @operation("Send where somebody is now", family=Family.E2, parameters=LiveLocationToSend, result=SentEntry,
               codes=(*CODES, Code.POLL_INVALID), limit=STANDS_STILL)  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: LiveLocationToSend) -> Answer:
        record, to = self._sending.addressed(request, parameters)
        latitude, longitude, _ = _point(parameters)
        about = parameters.model_dump(include={"accuracy", "speed", "heading"})
        command = SendLiveLocation(
            to=to,
            latitude=latitude,
            longitude=longitude,
            caption=texts.as_whatsapp(parameters.caption or ""),
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
            **about,
        )
        told = {"degreesLatitude": latitude, "degreesLongitude": longitude}
        told |= {name: value for name, value in about.items() if value is not None}
        shown = Shown("Live location message", "live location", {"location": told, "caption": command.caption})
        return self._sending.send(request, parameters, record, command, shown)


class SendPollResource:
    """/api/v1/messages/send/poll"""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    @operation("Send a poll", family=Family.E2, parameters=PollToSend, result=SentEntry,
               codes=(*CODES, Code.POLL_INVALID))  # fmt: skip
    def on_post(self, request: falcon.Request, parameters: PollToSend) -> Answer:
        record, to = self._sending.addressed(request, parameters)
        question, options, most = _poll(parameters)
        if not question or not options or len(options) > MOST_OPTIONS:
            raise Refusal(Code.POLL_INVALID, "Poll payload invalid")
        command = SendPoll(
            to=to,
            question=question,
            options=tuple(options),
            selectable=min(max(most, 1), len(options)),
            reply_to=message_id(parameters.reply_message_id),
            forwarded=parameters.is_forwarded,
        )
        extras = {"question": question, "options": options, "maxSelection": command.selectable}
        return self._sending.send(request, parameters, record, command, Shown("Poll message", "poll", extras))


def _contacts(given: ContactToSend) -> list[dict[str, Any]]:
    """One that is not said at all is an empty card, as in the original."""
    found = given.contact if isinstance(given.contact, list) else [given.contact]
    if len(found) > MOST_CARDS:
        raise Refusal(Code.BAD_REQUEST, f"At most {MOST_CARDS} contacts can be sent in one message")
    cards = [card for one in found if isinstance(card := parsed(one), dict)]
    if cards:
        return cards
    phone = given.contact_phone or (given.phone if given.session_id else None)
    flat = given.model_dump(include={"name", "organization", "email"})
    return [{**flat, "fullName": given.full_name, "phone": phone}]


def _place(given: LocationToSend) -> tuple[float, float, str, str]:
    """Raises Refusal."""
    latitude, longitude, told = _point(given)
    return latitude, longitude, first(told, "name") or given.name or "", first(told, "address") or given.address or ""


def _point(given: Point) -> tuple[float, float, dict[str, Any]]:
    """And what else is told there. Raises Refusal for what is nowhere on Earth."""
    told = given.location
    if isinstance(told, str):
        told = re.split(r"[,;\s]+", told.strip())
    if isinstance(told, list):
        told = {"latitude": told[0], "longitude": told[1]} if len(told) == 2 else {"latitude": None}
    if not isinstance(told, dict):
        told = given.model_dump(include={"latitude", "longitude"})
    found = places.point(told)
    if found is None:
        raise Refusal(Code.POLL_INVALID, "Invalid location payload")
    return *found, told


def _poll(given: PollToSend) -> tuple[str, list[str], int]:
    """Question, options and how many may be chosen. Options that are the same would have the same votes."""
    told = given.poll if isinstance(given.poll, dict) else {}
    options = words(given.options if given.options is not None else told.get("options", told.get("values")))
    if not told and given.poll is not None:
        options = options or words(given.poll)
    most = given.max_selection or first(told, "maxSelection", "selectableCount")
    question = (given.question or first(told, "question", "name")).strip()
    return question, list(dict.fromkeys(options)), int(most) if (word(most) or "").strip().isdecimal() else 1
