"""A neonize client in a process of its own, for the tests.

Orders come as JSON lines on stdin; facts leave on the pipe whose descriptor is the last argument, not on stdout,
because Go writes there. Run it with SSL_CERT_FILE, HTTPS_PROXY and NEONIZE_BOT_TAG=off in the environment.
"""

import base64
import hashlib
import json
import logging
import os
import sqlite3
import sys
import threading
from contextlib import closing
from types import SimpleNamespace
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from warest import commands
from warest.whatsapp import fixes, inbound, library, outbound, protos

protos.preload()
protos.load_engine()

from neonize import events  # noqa: E402
from neonize.client import NewClient  # noqa: E402
from neonize.utils.enum import (  # noqa: E402
    ChatPresence,
    ChatPresenceMedia,
    ClientName,
    ClientType,
    MediaType,
    ParticipantChange,
    Presence,
    ReceiptType,
)
from neonize.utils.jid import build_jid  # noqa: E402

DATABASE, ROOT = sys.argv[1], base64.b64decode(sys.argv[2])
RECEIPTS, MENDED, FACTS = (int(argument) for argument in sys.argv[3:6])


def tell(kind: str, **data: Any) -> None:
    os.write(FACTS, json.dumps({"kind": kind, **data}).encode() + b"\n")


#: What came, by id: to fetch its file.
MESSAGES: dict[str, Any] = {}
EVENT_OF: dict[str, Any] = {}


def on_message(_: Any, event: Any) -> None:
    """In groups the sender's key comes first, as an event of its own under the id of the message that follows."""
    body, source = event.Message, event.Info.MessageSource
    if {field.name for field, _ in body.ListFields()} == {"senderKeyDistributionMessage"}:
        return
    MESSAGES[event.Info.ID] = body
    EVENT_OF[event.Info.ID] = event
    tell(
        "message",
        id=event.Info.ID,
        text=body.conversation or body.extendedTextMessage.text,
        sender=source.Sender.User,
        chat=source.Chat.User,
        group=source.IsGroup,
        fromMe=source.IsFromMe,
        name=event.Info.Pushname,
        type=event.Info.Type,
        mediaType=event.Info.MediaType,
        protocol=body.HasField("protocolMessage"),
        edit=event.Info.Edit,
        content=MessageToDict(body),
    )


def on_history(_: Any, event: Any) -> None:
    chats = {chat.ID: [entry.message.key.ID for entry in chat.messages] for chat in event.Data.conversations}
    tell("history", chats=chats)


def enum(event: Any, field: str) -> str:
    """The name of an enum's value."""
    values = event.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(event, field)].name)


EVENTS: dict[Any, Any] = {
    events.ConnectedEv: lambda _, __: tell("connected"),
    events.DisconnectedEv: lambda _, __: tell("disconnected"),
    events.KeepAliveTimeoutEv: lambda _, event: tell("keepalive_timeout", errors=event.ErrorCount),
    events.KeepAliveRestoredEv: lambda _, __: tell("keepalive_restored"),
    events.LoggedOutEv: lambda _, event: tell("logged_out", login=event.OnConnect, reason=enum(event, "Reason")),
    events.StreamReplacedEv: lambda _, __: tell("replaced"),
    events.StreamErrorEv: lambda _, event: tell("stream_error", code=event.Code),
    events.TemporaryBanEv: lambda _, event: tell("banned", code=enum(event, "Code"), expire=event.Expire),
    events.ClientOutdatedEv: lambda _, __: tell("outdated"),
    events.ConnectFailureEv: lambda _, event: tell(
        "connect_failure", reason=enum(event, "Reason"), message=event.Message
    ),
    events.HistorySyncEv: on_history,
    events.MessageEv: on_message,
    events.UndecryptableMessageEv: lambda _, __: tell("undecryptable"),
    events.ReceiptEv: lambda _, event: tell("receipt", ids=list(event.MessageIDs), type=event.Type),
    events.GroupInfoEv: lambda _, event: tell("group", **MessageToDict(event)),
    events.JoinedGroupEv: lambda _, event: tell("joined", **MessageToDict(event)),
    events.PictureEv: lambda _, event: tell("picture", **MessageToDict(event)),
    events.PresenceEv: lambda _, event: tell("presence", sender=event.From.User, gone=event.Unavailable),
    events.ChatPresenceEv: lambda _, event: tell("typing", sender=event.MessageSource.Sender.User),
}


def address(text: str) -> Any:
    """A phone number, or a JID."""
    user, _, server = text.partition("@")
    return build_jid(user, server or "s.whatsapp.net")


ORDERS: dict[str, Any] = {
    "pair": lambda client, phone: client.PairPhone(phone, True, ClientName.LINUX, ClientType.CHROME),
    "connected": lambda client: client.is_connected,
    "logged_in": lambda client: client.is_logged_in,
    "send": lambda client, to, text: client.send_message(address(to), protos.e2e.Message(conversation=text)).ID,
    "send_content": lambda client, to, content: (
        client.send_message(build_jid(to), ParseDict(content, protos.e2e.Message())).ID
    ),
    "read": lambda client, id, chat, sender="": client.mark_read(
        id, chat=address(chat), sender=address(sender or chat), receipt=ReceiptType.READ
    ),
    "me": lambda client: client.get_me().PushName,
    "name": lambda client, name: client.set_profile_name(name),
    "on_whatsapp": lambda client, number: [user.IsIn for user in client.is_on_whatsapp(number)],
    "available": lambda client: client.send_presence(Presence.AVAILABLE),
    "unavailable": lambda client: client.send_presence(Presence.UNAVAILABLE),
    "subscribe": lambda client, to: client.subscribe_presence(build_jid(to)),
    "groups": lambda client: [group.GroupName.Name for group in client.get_joined_groups()],
    "group": lambda client, jid: MessageToDict(client.get_group_info(address(jid))),
    "create_group": lambda client, name, members: MessageToDict(
        client.create_group(name, [address(member) for member in members])
    ),
    "members": lambda client, jid, change, members: [
        MessageToDict(one)
        for one in client.update_group_participants(
            address(jid), [address(member) for member in members], ParticipantChange(change)
        )
    ],
    "rename": lambda client, jid, name: client.set_group_name(address(jid), name),
    "describe": lambda client, jid, text: client.set_group_topic(address(jid), "", "", text),
    "lock": lambda client, jid, locked: client.set_group_locked(address(jid), locked),
    "announce": lambda client, jid, announce: client.set_group_announce(address(jid), announce),
    "invite": lambda client, jid, revoke=False: client.get_group_invite_link(address(jid), revoke),
    "preview": lambda client, code: MessageToDict(client.get_group_info_from_link(code)),
    "join": lambda client, code: client.join_group_with_link(code).User,
    "leave": lambda client, jid: client.leave_group(address(jid)),
    "requests": lambda client, jid: [MessageToDict(one) for one in client.get_group_request_participants(address(jid))],
    "set_group_photo": lambda client, jid, data: client.set_group_photo(address(jid), base64.b64decode(data)),
    "group_photo": lambda client, jid: MessageToDict(
        client.get_profile_picture(
            address(jid), protos.engine.GetProfilePictureParams(Preview=False, ExistingID="", IsCommunity=False)
        )
    ),
    "type": lambda client, to: client.send_chat_presence(
        address(to), ChatPresence.CHAT_PRESENCE_COMPOSING, ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT
    ),
    "blocklist": lambda client: len(client.get_blocklist().JIDs),
    "about": lambda client, text: client.set_status_message(text),
    "info": lambda client, of: [
        {"about": user.UserInfo.Status, "picture": user.UserInfo.PictureID, "devices": len(user.UserInfo.Devices)}
        for user in client.get_user_info(build_jid(of))
    ],
    "picture": lambda client, of: str(client.get_profile_picture(build_jid(of))),
    "logout": lambda client: client.logout(),
}


def send_image(client: Any, to: str, data: str) -> str:
    """Uploads and sends what is not really a picture, under its MIME type."""
    content = base64.b64decode(data)
    up = client.upload(content, MediaType.MediaImage)
    image = protos.e2e.ImageMessage(
        mimetype="image/png", URL=up.url, directPath=up.DirectPath, mediaKey=up.MediaKey, fileLength=up.FileLength,
        fileSHA256=up.FileSHA256, fileEncSHA256=up.FileEncSHA256, width=7, height=5, caption="look",
        JPEGThumbnail=b"small",
    )  # fmt: skip
    sent: str = client.send_message(build_jid(to), protos.e2e.Message(imageMessage=image)).ID
    return sent


def send_vote(client: Any, poll: str, options: list[str]) -> str:
    """For a poll that somebody has sent."""
    info = EVENT_OF[poll].Info
    vote = client.build_poll_vote(info, options)
    sent: str = client.send_message(info.MessageSource.Chat, vote).ID
    return sent


def open_vote(client: Any, id: str) -> list[str]:
    """The hashes that a vote for our poll names, as whatsmeow decrypts it; neonize's own call cannot (trap 35)."""
    event = EVENT_OF[id].SerializeToString()
    gocode = sys.modules["neonize._binder"].gocode
    gocode.DecryptPollVote.errcheck = gocode.BuildPollVote.errcheck
    answer = protos.engine.ReturnFunctionWithError.FromString(gocode.DecryptPollVote(client.uuid, event, len(event)))
    assert not answer.Error, answer.Error
    return [base64.b64encode(digest).decode() for digest in answer.PollVoteMessage.selectedOptions]


def set_app_state(client: Any, collection: str, index: list[str], value: dict[str, Any]) -> None:
    """One record of a collection of the account's app state."""
    mutation = protos.engine.MutationInfo(Index=index, Version=2)
    ParseDict(value, mutation.Value)
    kinds = protos.engine.PatchInfo
    client.send_app_state(
        kinds(Timestamp=1_700_000_000, Type=kinds.WAPatchName.Value(collection), Mutations=[mutation])
    )


def execute(client: Any, command: dict[str, Any]) -> Any:
    """One of our own commands, as the session's process runs it."""
    me = {"id": str(inbound.jid(client.get_me().JID))}
    ours = SimpleNamespace(
        engine=client, me=me, syncs_app_state=MENDED, require_open=lambda: None, tell_sent=lambda *_: None
    )
    return outbound.execute(ours, commands.decode(command), lambda _: b"")  # type: ignore[arg-type]


def forget_keys(_: Any) -> None:
    """Of groups; and the engine's own copy in memory is none."""
    with closing(sqlite3.connect(DATABASE)) as database, database:
        database.execute("delete from whatsmeow_sender_keys")
        database.execute("delete from whatsmeow_sessions")


ORDERS["send_image"] = send_image
ORDERS["forget_keys"] = forget_keys
ORDERS["execute"] = execute
ORDERS["vote"], ORDERS["open_vote"], ORDERS["app_state"] = send_vote, open_vote, set_app_state
ORDERS["download"] = lambda client, id: hashlib.sha256(client.download_any(MESSAGES[id])).hexdigest()


def obey(client: Any, order: dict[str, Any]) -> None:
    try:
        tell("done", result=ORDERS[order["do"]](client, **order["arguments"]))
    except Exception as error:
        tell("failed", error=f"{type(error).__name__}: {error}")


def connect(client: Any) -> None:
    """Tells, too, that neonize's connect() has come back, and with which error."""
    try:
        client.connect()
    except Exception as error:
        tell("ended", error=f"{type(error).__name__}: {error}")
    else:
        tell("ended", error="")


def main() -> None:
    library.swap_noise_root(ROOT)
    assert not MENDED or fixes.mend_app_state()
    logging.getLogger("neonize.utils.log").setLevel(logging.WARNING)
    client = NewClient(f"{DATABASE}?_foreign_keys=on&_journal_mode=WAL&_busy_timeout=30000&_synchronous=OFF&_x=")
    fixes.tame(client, lambda status: tell("pairing", status=status))
    client.event.qr(lambda _, qr: tell("qr", qr=qr.decode()))
    for event, handler in EVENTS.items():
        if RECEIPTS or event is not events.ReceiptEv:
            client.event(event)(handler)
    threading.Thread(target=connect, args=[client], daemon=True).start()
    for line in sys.stdin:
        obey(client, json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
