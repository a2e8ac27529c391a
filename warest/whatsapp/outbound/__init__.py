"""Commands -> the engine's calls, one table."""

from collections.abc import Callable
from typing import Any

from warest import commands, contact_commands, group_commands, profile_commands
from warest.whatsapp import protos
from warest.whatsapp.client import Client
from warest.whatsapp.outbound import (
    actions,
    albums,
    app_state,
    blocks,
    calls,
    groups,
    lookups,
    many_files,
    presences,
    profiles,
    sends,
    timers,
)
from warest.whatsapp.outbound.engine import refusal
from warest.whatsapp.outbound.sends import Take


def execute(client: Client, command: commands.Command, take: Take) -> Any:
    """Run a command. Raises NotConnected when nothing was sent, CommandTimeout when that is not known."""
    if not isinstance(command, commands.PairPhone):
        client.require_open()
    return _HANDLERS[type(command)](client, command, take)


def pair_phone(client: Client, command: commands.PairPhone, _: Take) -> str:
    return client.pair_phone(command.phone)


def logout(client: Client, _: commands.Logout, __: Take) -> None:
    try:
        client.engine.logout()
    except protos.errors.LogoutError as error:
        raise refusal(error) from error


_HANDLERS: dict[type, Callable[[Client, Any, Take], Any]] = {
    commands.SendText: sends.text,
    commands.ShowStatus: sends.status,
    commands.SendFile: sends.file,
    commands.SendFiles: many_files.send,
    commands.SendAlbum: albums.send,
    commands.SendInteractive: sends.buttons,
    commands.SendContacts: sends.contacts,
    commands.SendLocation: sends.location,
    commands.SendLiveLocation: sends.live_location,
    commands.SendPoll: sends.poll,
    commands.SendContent: sends.content,
    commands.React: actions.react,
    commands.Edit: actions.edit,
    commands.Revoke: actions.revoke,
    commands.PinMessage: actions.pin_message,
    commands.MarkRead: actions.mark_read,
    commands.Star: app_state.star,
    commands.DeleteForMe: app_state.delete_for_me,
    commands.MuteChat: app_state.mute_chat,
    commands.ArchiveChat: app_state.archive_chat,
    commands.PinChat: app_state.pin_chat,
    commands.ClearChat: app_state.clear_chat,
    commands.MarkChatRead: app_state.mark_chat_read,
    commands.FollowChannel: actions.follow_channel,
    commands.CheckNumbers: lookups.check_numbers,
    commands.ResolveName: lookups.resolve,
    commands.GroupExists: lookups.group_exists,
    contact_commands.BeSeen: presences.be_seen,
    contact_commands.AskBlocked: blocks.ask,
    contact_commands.Block: blocks.change,
    contact_commands.RejectCall: calls.reject,
    contact_commands.SetTimer: timers.set_timer,
    contact_commands.SetDefaultTimer: timers.set_default,
    contact_commands.ShowWriting: presences.show_writing,
    contact_commands.WatchPresence: presences.watch,
    group_commands.ListGroups: groups.list_groups,
    group_commands.AskGroup: groups.ask,
    group_commands.CreateGroup: groups.create,
    group_commands.NameGroup: groups.name,
    group_commands.DescribeGroup: groups.describe,
    group_commands.LockGroup: groups.lock,
    group_commands.AnnounceGroup: groups.announce,
    group_commands.LeaveGroup: groups.leave,
    group_commands.SetGroupPicture: groups.set_picture,
    group_commands.AskGroupPicture: groups.ask_picture,
    group_commands.ChangeMembers: groups.change,
    group_commands.AskInvite: groups.invite,
    group_commands.PreviewGroup: groups.preview,
    group_commands.JoinGroup: groups.join,
    group_commands.AskRequests: groups.ask_requests,
    group_commands.AskSubgroups: groups.ask_subgroups,
    group_commands.ApproveRequests: groups.approve,
    group_commands.DissolveGroup: groups.dissolve,
    profile_commands.LookAt: profiles.look_at,
    profile_commands.ShowPicture: profiles.show_picture,
    profile_commands.HidePicture: profiles.hide_picture,
    profile_commands.AskPrivacy: profiles.ask_privacy,
    profile_commands.SetName: profiles.set_name,
    profile_commands.SetAbout: profiles.set_about,
    profile_commands.ReadContacts: profiles.read_contacts,
    commands.PairPhone: pair_phone,
    commands.Logout: logout,
}
