"""What accounts show of themselves, and what ours shows; the phone's address book."""

import dataclasses
from typing import Any

from warest import profile_commands as commands
from warest.errors import Unsupported, WhatsAppRefused
from warest.ids import PN_SERVER, Jid
from warest.whatsapp import address_book, protos
from warest.whatsapp.client import Client
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.outbound import pictures
from warest.whatsapp.outbound.app_state import NO_KEYS
from warest.whatsapp.outbound.engine import engine_jid, names_of, other_name, refusal, whole
from warest.whatsapp.outbound.sends import Take

#: The contract's names -> the engine's.
_PRIVACY = dict(
    zip(
        commands.PRIVACY,
        ("ReadReceipts", "Profile", "Status", "Online", "LastSeen", "GroupAdd", "CallAdd"),
        strict=True,
    )
)


def look_at(client: Client, command: commands.LookAt, _: Take) -> list[dict[str, Any]]:
    """All in two questions, but for pictures. The answers come in any order."""
    asked = [Jid.parse(jid).account for jid in command.jids]
    if not asked:
        return []
    try:
        found = client.engine.get_user_info(*map(engine_jid, asked))
        businesses = _businesses(client, asked)
    except (protos.errors.GetUserInfoError, protos.errors.IsOnWhatsAppError) as error:
        raise refusal(error) from error
    known = {jid_of(each.JID).account: each.UserInfo for each in found}
    shown = [_shown(client, jid, known.get(jid), command.pictures) for jid in asked]
    named = [(one, businesses.get(Jid.parse(one.pn or one.jid), "")) for one in shown]
    return [dataclasses.asdict(one) | {"verified_name": name} for one, name in named]


def show_picture(client: Client, command: commands.ShowPicture, take: Take) -> str:
    """As bytes: a text would be the path of a file, or a URL (trap 38)."""
    try:
        number: str = client.engine.set_profile_photo(take(command.file))
    except protos.errors.SetGroupPhotoError as error:
        raise refusal(error) from error
    return number


def hide_picture(client: Client, command: commands.HidePicture, _: Take) -> None:
    if not client.removes_pictures:
        raise Unsupported("The engine cannot take a picture away here; another one can be set.")
    try:
        if command.jid:
            client.engine.set_group_photo(engine_jid(Jid.parse(command.jid)), b"")
        else:
            client.engine.set_profile_photo(b"")
    except protos.errors.SetGroupPhotoError as error:
        raise refusal(error) from error


def ask_privacy(client: Client, _: commands.AskPrivacy, __: Take) -> dict[str, str]:
    """When WhatsApp does not answer, the engine says that nothing is set, and no more."""
    said = client.engine.get_privacy_settings()
    names = protos.engine.PrivacySettings.PrivacySetting
    words = {name: names.Name(getattr(said, field)).lower() for name, field in _PRIVACY.items()}
    if set(words.values()) == {"undefined"}:
        raise WhatsAppRefused("WhatsApp has not said who may see what.")
    return {name: "" if word == "undefined" else word for name, word in words.items()}


def set_name(client: Client, command: commands.SetName, _: Take) -> None:
    """It is in the account's app state, in the one collection that the engine knows unmended."""
    try:
        client.engine.set_profile_name(whole(command.name))
    except protos.errors.SendAppStateError as error:
        if NO_KEYS in str(error):
            raise WhatsAppRefused("The phone has not handed over its keys yet; try again in a moment.") from error
        raise refusal(error) from error


def set_about(client: Client, command: commands.SetAbout, _: Take) -> None:
    try:
        client.engine.set_status_message(whole(command.text))
    except protos.errors.SetStatusMessageError as error:
        raise refusal(error) from error


def read_contacts(client: Client, _: commands.ReadContacts, __: Take) -> None:
    """Nothing is asked of WhatsApp: the engine has the book from the phone's app state, and from messages."""
    try:
        found = client.engine.contact.get_all_contacts()
    except protos.errors.ContactStoreError as error:
        raise refusal(error) from error
    client.tell_contacts(address_book.notes_of(found, lambda jid: other_name(client, jid)))


def _businesses(client: Client, asked: list[Jid]) -> dict[Jid, str]:
    """The verified names of those that are businesses, by number: get_user_info is told them, and loses them."""
    numbers = [name for name in (names_of(client, jid)[0] for jid in asked) if name]
    found = client.engine.is_on_whatsapp(*(f"+{number.user}" for number in numbers)) if numbers else []
    names = {Jid(each.Query.lstrip("+"), PN_SERVER): each.VerifiedName.Details.verifiedName for each in found}
    return {number: name for number, name in names.items() if name}


def _shown(client: Client, jid: Jid, info: Any, pictures: bool) -> commands.Shown:
    pn, lid = names_of(client, jid)
    is_own = str(jid) in client.own_names
    return commands.Shown(
        jid=str(jid),
        pn=str(pn or ""),
        lid=str(lid or ""),
        about=info.Status if info else "",
        picture_id=info.PictureID if info else "",
        push_name=client.engine.get_me().PushName if is_own else "",
        full=_picture(client, jid, preview=False) if pictures else None,
        preview=_picture(client, jid, preview=True) if pictures else None,
    )


def _picture(client: Client, jid: Jid, *, preview: bool) -> dict[str, str] | None:
    found = pictures.find(client, engine_jid(jid), preview=preview)
    return dataclasses.asdict(commands.Picture(id=found.ID, url=found.URL, type=found.Type)) if found else None
