"""What a session did to its own view of chats and messages is written down by whoever had it done: nobody reports it.

What goes out as a message (a reaction, an edit) comes back as a note of the session's process (annals.py).
"""

import time

from warest import annals
from warest.commands import (
    ArchiveChat,
    ClearChat,
    Command,
    DeleteForMe,
    MarkChatRead,
    MuteChat,
    PinChat,
    Star,
)
from warest.store import ChatNews, Store


def remember(store: Store, session: str, chat: str, command: Command) -> None:
    """After the command. `chat` is the name under which the chat is stored. Once more, it changes nothing."""
    match command:
        case Star(key=key, starred=starred):
            at = int(time.time()) if starred else None
            store.messages.change(session, chat, key.id, lambda message: annals.starred(message, at))
        case DeleteForMe(key=key):
            store.messages.delete(session, chat, key.id)
        case ClearChat():
            store.messages.clear(session, chat)
        case MuteChat(until=until):
            store.chats.put(session, [ChatNews(jid=chat, muted_until=until)])
        case ArchiveChat(archived=True):
            store.chats.put(session, [ChatNews(jid=chat, archived=True, pinned=False)])
        case ArchiveChat():
            store.chats.put(session, [ChatNews(jid=chat, archived=False)])
        case PinChat(pinned=pinned):
            store.chats.put(session, [ChatNews(jid=chat, pinned=pinned)])
        case MarkChatRead(read=True):
            store.chats.put(session, [ChatNews(jid=chat, unread=0)])
