"""The queries. Every one that a user can reach takes the owner: a row of another owner is as good as none.

Plain dataclasses come back: a Pony row never leaves this folder.
"""

from contextlib import AbstractContextManager
from typing import Any

from pony.orm import OrmError
from pony.orm.dbapiprovider import DBException

from warest import entities
from warest.errors import DriverError
from warest.store.account_records import ApiKeyRecord, UserRecord
from warest.store.accounts import AccountQueries
from warest.store.api_keys import ApiKeys, key_hash
from warest.store.audit import Audit
from warest.store.chats import SORTS, Chats
from warest.store.contacts import Contacts
from warest.store.deliveries import Deliveries
from warest.store.endpoints import Endpoints
from warest.store.events import EventRecord, Events
from warest.store.files import Files, MessageFile
from warest.store.groups import Groups
from warest.store.history_records import Chat, ChatNews, Contact, ContactNews, Message, NewSend, Send
from warest.store.messages import Messages
from warest.store.mysql import Mysql
from warest.store.postgres import Postgres
from warest.store.reactions import Reaction, Reactions
from warest.store.records import Account, AuditEntry, Log, Page, SessionRecord
from warest.store.schema import MIGRATIONS, Database, migrate, ping, rollback, seed, status, transaction
from warest.store.search import Search
from warest.store.sends import Sends
from warest.store.server import Server
from warest.store.sessions import SessionQueries
from warest.store.sqlite import Sqlite
from warest.store.users import Users
from warest.store.webhook_records import Attempt, DeliveryRecord, Endpoint, Note, Secrets
from warest.vault import Vault

__all__ = [
    "MIGRATIONS", "SORTS", "Account", "ApiKeyRecord", "Attempt", "AuditEntry", "Chat", "ChatNews", "Contact",
    "ContactNews", "Database", "DeliveryRecord", "Endpoint", "EventRecord", "Log", "Message", "MessageFile",
    "Mysql", "NewSend", "Note", "Page", "Postgres", "Reaction", "Secrets", "Send", "Server", "SessionRecord",
    "Sqlite", "Store", "UserRecord", "key_hash", "migrate", "open", "ping", "rollback", "seed", "status",
]  # fmt: skip


class Store(AccountQueries, SessionQueries):
    """All that the system remembers for good. Raises DriverError when the database is out of reach or busy."""

    def __init__(self, opened: entities.Entities, vault: Vault) -> None:
        super().__init__(opened)
        self.vault = vault
        self.users = Users(opened)
        self.api_keys = ApiKeys(opened)
        self.chats = Chats(opened)
        self.contacts = Contacts(opened)
        self.groups = Groups(opened)
        self.messages = Messages(opened)
        self.search = Search(opened)
        self.files = Files(opened)
        self.sends = Sends(opened)
        self.endpoints = Endpoints(opened, vault)
        self.deliveries = Deliveries(opened)
        self.reactions = Reactions(opened)
        self.audit = Audit(opened)
        self.events = Events(opened)

    def together(self) -> AbstractContextManager[None]:
        """What is written within becomes durable at once, or not at all."""
        return transaction()

    def version(self) -> str:
        """Of the database, from itself."""
        ask = {"SQLite": "select sqlite_version()", "PostgreSQL": "show server_version"}
        with transaction():
            db = self._entities.db
            return str(db.execute(ask.get(db.provider.dialect, "select version()")).fetchone()[0])


def open(database: Database, vault: Vault | None = None) -> Store:
    """Secrets are encrypted by the `vault`, if there is one.

    Raises DriverError when the database is out of reach or has not been migrated.
    """
    ping(database)
    defined = entities.define()
    try:
        database.bind(defined.db)
        defined.db.generate_mapping(create_tables=False)
    except (DBException, OrmError) as error:
        raise DriverError(f"{database} is not ready: run `warest db migrate` first. It said: {error}") from error
    _never_half(defined.db)
    return Store(defined, vault or Vault())


def _never_half(db: Any) -> None:
    """For a lost connection Pony makes a new one, in the middle of a transaction too, whose first part is then lost."""
    known = db.provider.should_reconnect
    db.provider.should_reconnect = lambda error: not db._get_cache().in_transaction and known(error)
