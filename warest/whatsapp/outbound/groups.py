"""What is asked of groups and done to them."""

import dataclasses
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from warest import group_commands as commands
from warest.errors import WhatsAppRefused
from warest.ids import Jid
from warest.whatsapp import groups as known
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.inbound import jid as jid_of
from warest.whatsapp.outbound import pictures
from warest.whatsapp.outbound.engine import engine_jid, other_name, refusal, whole
from warest.whatsapp.outbound.sends import Take

T = TypeVar("T")

#: How many people are removed at once from a group that is dissolved.
_AT_ONCE = 64

#: Not an admin there, or not a member.
_NOT_ALLOWED = frozenset({401, 403})

#: Of somebody who is not waiting to be let in; what WhatsApp itself says of strangers.
_UNKNOWN = 404

_STATUS = re.compile(r"status (\d{3})")


def list_groups(client: Client, _: commands.ListGroups, __: Take) -> list[dict[str, Any]]:
    found = _asked(client.engine.get_joined_groups)
    return [known.facts(group, partial(other_name, client), with_members=False) for group in found]


def ask(client: Client, command: commands.AskGroup, _: Take) -> dict[str, Any]:
    return _facts(client, _asked(client.engine.get_group_info, _group(command.jid)))


def create(client: Client, command: commands.CreateGroup, _: Take) -> dict[str, Any]:
    people = [engine_jid(Jid.parse(jid)) for jid in command.participants]
    made = _asked(client.engine.create_group, whole(command.name), people)
    missing = [one for one in made.Participants if one.Error]
    for one in missing:
        made.Participants.remove(one)
    return _facts(client, made)


def name(client: Client, command: commands.NameGroup, _: Take) -> None:
    _asked(client.engine.set_group_name, _group(command.jid), whole(command.name))


def describe(client: Client, command: commands.DescribeGroup, _: Take) -> None:
    """The engine looks up the description that it replaces."""
    _asked(client.engine.set_group_topic, _group(command.jid), "", "", whole(command.text))


def lock(client: Client, command: commands.LockGroup, _: Take) -> None:
    _asked(client.engine.set_group_locked, _group(command.jid), command.locked)


def announce(client: Client, command: commands.AnnounceGroup, _: Take) -> None:
    _asked(client.engine.set_group_announce, _group(command.jid), command.announcement)


def leave(client: Client, command: commands.LeaveGroup, _: Take) -> None:
    _asked(client.engine.leave_group, _group(command.jid))


def set_picture(client: Client, command: commands.SetGroupPicture, take: Take) -> None:
    """As bytes: a text would be the path of a file, or a URL (trap 38)."""
    _asked(client.engine.set_group_photo, _group(command.jid), take(command.file))


def ask_picture(client: Client, command: commands.AskGroupPicture, _: Take) -> str | None:
    return _picture(client, _group(command.jid))


def change(client: Client, command: commands.ChangeMembers, _: Take) -> list[dict[str, Any]]:
    return [dataclasses.asdict(one) for one in _changed(client, command.jid, command.change, command.participants)]


def invite(client: Client, command: commands.AskInvite, _: Take) -> str:
    link: str = _asked(client.engine.get_group_invite_link, _group(command.jid), command.anew)
    return link


def preview(client: Client, command: commands.PreviewGroup, _: Take) -> dict[str, Any]:
    """With its picture, if everybody may see it."""
    found = _asked(client.engine.get_group_info_from_link, whole(command.code))
    return {**_facts(client, found), "picture": _picture(client, found.JID)}


def join(client: Client, command: commands.JoinGroup, _: Take) -> dict[str, Any]:
    """The engine does not say whether we are in, or wait for an admin; a group that we can see is ours."""
    jid = _asked(client.engine.join_group_with_link, whole(command.code))
    try:
        group = _facts(client, _asked(client.engine.get_group_info, jid))
    except WhatsAppRefused:
        group = None
    return {"jid": str(jid_of(jid).account), "group": group}


def ask_requests(client: Client, command: commands.AskRequests, _: Take) -> list[dict[str, Any]]:
    return [dataclasses.asdict(one) for one in _requests(client, command.jid)]


def ask_subgroups(client: Client, command: commands.AskSubgroups, _: Take) -> list[dict[str, Any]]:
    found = _asked(client.engine.get_sub_groups, _group(command.jid))
    return [dataclasses.asdict(known.subgroup(one)) for one in found]


def approve(client: Client, command: commands.ApproveRequests, _: Take) -> list[dict[str, Any]]:
    """The engine cannot approve: an admin adds whoever asks, which grants it. Nobody else is added so."""
    waiting = _requests(client, command.jid)
    asked = {name for one in waiting for name in (one.pn, one.lid) if name}
    people = {jid: _nobody(client, jid) for jid in command.participants}
    wanted = [jid for jid, one in people.items() if asked & {one.pn, one.lid}]
    done = _changed(client, command.jid, "add", wanted) if wanted else []
    strangers = [one for jid, one in people.items() if jid not in wanted]
    return [dataclasses.asdict(one) for one in (*done, *strangers)]


def dissolve(client: Client, command: commands.DissolveGroup, _: Take) -> dict[str, Any]:
    found = known.facts(_asked(client.engine.get_group_info, _group(command.jid)), partial(other_name, client))
    ours = set(client.own_names)
    others = [one for one in found["members"] if not ours & {one["pn"], one["lid"]}]
    if not any(one["role"] for one in found["members"] if one not in others):
        return {"removed": [], "failed": [], "others": [_address(one) for one in others if not one["role"]]}
    removed = [
        one
        for start in range(0, len(others), _AT_ONCE)
        for one in _changed(
            client, command.jid, "remove", [_address(each) for each in others[start : start + _AT_ONCE]]
        )
    ]
    _asked(client.engine.get_group_invite_link, _group(command.jid), True)
    _asked(client.engine.leave_group, _group(command.jid))
    told = [dataclasses.asdict(one) for one in removed]
    return {
        "removed": [one for one in told if not one["error"]],
        "failed": [one for one in told if one["error"]],
        "others": None,
    }


def _changed(client: Client, jid: str, change: str, people: Iterable[str]) -> list[commands.MemberChange]:
    """Where WhatsApp does not let us do it at all, nobody is changed."""
    wanted = list(people)
    try:
        answer = client.engine.update_group_participants(
            _group(jid), [engine_jid(Jid.parse(one)) for one in wanted], protos.enums.ParticipantChange(change)
        )
    except protos.errors.UpdateGroupParticipantsError as error:
        status = int(found[1]) if (found := _STATUS.search(str(error))) else 0
        if status not in _NOT_ALLOWED:
            raise refusal(error) from error
        return [dataclasses.replace(_nobody(client, one), error=status) for one in wanted]
    return [_told(client, one) for one in answer]


def _told(client: Client, participant: Any) -> commands.MemberChange:
    one = known.member(participant, partial(other_name, client))
    return commands.MemberChange(pn=one.pn, lid=one.lid, error=participant.Error)


def _nobody(client: Client, jid: str) -> commands.MemberChange:
    pn, lid = known.both_names([engine_jid(Jid.parse(jid))], partial(other_name, client))
    return commands.MemberChange(pn=pn, lid=lid, error=_UNKNOWN)


def _requests(client: Client, jid: str) -> list[commands.JoinRequest]:
    found = []
    for one in _asked(client.engine.get_group_request_participants, _group(jid)):
        pn, lid = known.both_names([one.Participant], partial(other_name, client))
        found.append(commands.JoinRequest(pn=pn, lid=lid, at=one.TimeAt // 1_000_000))
    return found


def _picture(client: Client, group: Any) -> str | None:
    found = pictures.find(client, group)
    return found.URL if found else None


def _facts(client: Client, info: Any) -> dict[str, Any]:
    return known.facts(info, partial(other_name, client))


def _asked(call: Callable[..., T], *arguments: Any) -> T:
    try:
        return call(*arguments)
    except protos.errors.NeonizeError as error:
        raise refusal(error) from error


def _group(jid: str) -> Any:
    return engine_jid(Jid.parse(jid))


def _address(member: dict[str, Any]) -> str:
    return str(member["pn"] or member["lid"])
