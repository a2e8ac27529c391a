"""Commands cross processes as JSON."""

import dataclasses
import json

import pytest

from warest import commands, contact_commands, group_commands, profile_commands

MINE = commands.Key(chat="1@lid", id="A", from_me=True)
THEIRS = commands.Key(chat="2@g.us", id="B", from_me=False, participant="3@lid", timestamp=1_700_000_000)

SAMPLES = [
    commands.SendText(to=("1@lid",), text="a"),
    commands.SendText(to=("1@lid", "2@g.us"), text="ä\0\n", mentions=("3@lid",), reply_to="ID", forwarded=True),
    commands.SendFile(
        kind="document", to=("1@lid",), file="spool/1-a", name="ä.pdf", mimetype="application/pdf", caption="c"
    ),
    commands.ShowStatus(to=("status@broadcast",), text="a", background=0xFF112233, foreground=0xFFFFFFFF, font=0),
    commands.React(key=MINE, emoji="🎉"),
    commands.Edit(key=MINE, text="ä", mentions=("3@lid",)),
    commands.Revoke(key=THEIRS),
    commands.PinMessage(key=THEIRS, pin=True, seconds=60),
    commands.MarkRead(chat="2@g.us", ids=("A", "B"), sender="3@lid"),
    commands.Star(key=MINE, starred=True),
    commands.DeleteForMe(key=THEIRS, with_media=False),
    commands.MuteChat(chat="1@lid", until=1_700_000_000),
    commands.ArchiveChat(chat="1@lid", archived=True, last=MINE),
    commands.PinChat(chat="1@lid", pinned=True),
    commands.ClearChat(chat="1@lid"),
    commands.MarkChatRead(chat="1@lid", read=True, last=THEIRS),
    commands.FollowChannel(jid="1@newsletter", follows=True),
    commands.SendContacts(to=("1@lid",), cards=(("A", "BEGIN:VCARD"), ("", "")), title="2 contacts"),
    commands.SendLocation(to=("1@lid",), latitude=-6.2, longitude=106.8, name="Monas"),
    commands.SendLiveLocation(to=("1@lid",), latitude=-6.2, longitude=106.8, speed=1.5),
    commands.SendPoll(to=("1@lid",), question="?", options=("a", "b"), selectable=2),
    commands.SendContent(to=("1@lid",), content={"imageMessage": {"url": "u", "contextInfo": {"mentionedJid": ["x"]}}}),
    commands.SendInteractive(to=("1@lid",), text="t", buttons=(("quick_reply", "{}"), ("cta_copy", "{}")), file="x"),
    commands.CheckNumbers(numbers=("628111",)),
    commands.ResolveName(jid="3@lid"),
    commands.GroupExists(jid="2@g.us"),
    commands.SendFiles(to=("1@lid",), files=({"file": "spool/1-a", "size": 5}, {"file": "spool/1-b"})),
    commands.SendAlbum(to=("1@lid",), files=({"kind": "image", "file": "spool/1-a", "size": 5},)),
    commands.SendText(
        to=("1@lid",),
        text="a",
        reply_to="Q",
        quoted={"chat": "1@lid", "message": {"x": [1, [2]]}},
        presence="composing",
        expirations={"1@lid": 60},
        mention_all=True,
        link="https://x",
        preview={"title": "t"},
    ),
    profile_commands.LookAt(jids=("1@lid", "2@lid"), pictures=True),
    profile_commands.ShowPicture(file="spool/x"),
    profile_commands.HidePicture(jid="2@g.us"),
    profile_commands.AskPrivacy(),
    profile_commands.ReadContacts(),
    profile_commands.SetName(name="Ani"),
    profile_commands.SetAbout(text="ä"),
    contact_commands.BeSeen(available=True),
    contact_commands.ShowWriting(chat="1@lid", presence="composing"),
    contact_commands.WatchPresence(jid="1@lid"),
    contact_commands.AskBlocked(),
    contact_commands.Block(jid="1@lid", blocked=True),
    contact_commands.RejectCall(call_id="C", caller="1@lid"),
    contact_commands.SetTimer(chat="1@lid", seconds=86_400),
    contact_commands.SetDefaultTimer(seconds=0),
    group_commands.ListGroups(),
    group_commands.AskGroup(jid="2@g.us"),
    group_commands.CreateGroup(name="ä", participants=("1@lid", "3@lid")),
    group_commands.NameGroup(jid="2@g.us", name="ä"),
    group_commands.DescribeGroup(jid="2@g.us", text=""),
    group_commands.LockGroup(jid="2@g.us", locked=True),
    group_commands.AnnounceGroup(jid="2@g.us", announcement=False),
    group_commands.LeaveGroup(jid="2@g.us"),
    group_commands.SetGroupPicture(jid="2@g.us", file="spool/1-a"),
    group_commands.AskGroupPicture(jid="2@g.us"),
    group_commands.ChangeMembers(jid="2@g.us", change="promote", participants=("1@lid",)),
    group_commands.AskInvite(jid="2@g.us", anew=True),
    group_commands.PreviewGroup(code="abc"),
    group_commands.JoinGroup(code="abc"),
    group_commands.AskRequests(jid="2@g.us"),
    group_commands.AskSubgroups(jid="2@g.us"),
    group_commands.ApproveRequests(jid="2@g.us", participants=("1@lid", "3@lid")),
    group_commands.DissolveGroup(jid="2@g.us"),
    commands.PairPhone(phone="628111"),
    commands.Logout(),
]


@pytest.mark.parametrize("command", SAMPLES, ids=lambda command: type(command).__name__)
def test_a_command_survives_json(command: commands.Command) -> None:
    """What `decode` makes of it is equal, tuples included."""
    assert commands.decode(json.loads(json.dumps(commands.encode(command)))) == command


def test_every_command_is_known() -> None:
    """Each has a sample here, and none can be changed on its way."""
    assert {type(sample) for sample in SAMPLES} == set(commands.type_of.values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        SAMPLES[0].text = "b"  # type: ignore[attr-defined]
