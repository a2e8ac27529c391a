"""Files of incoming messages: from WhatsApp's media host into storage, and then the event with the link.

The event does not depend on it. Two orders are in Redis as soon as the session's process has heard of a message: this
one, and one for later that reports the message as it is. Whichever publishes first wins, since an event is published
once under its id; if the file comes after that, or is gone, message_media says so.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import dramatiq

from warest import events, ids, keys, mirroring
from warest.bus import answered
from warest.config import kinds, links
from warest.config.house import House
from warest.drivers.storage import Storage
from warest.encrypted_media import KINDS
from warest.errors import DriverError, FetchError, InvalidInput, NotFound
from warest.events import SessionIdentity
from warest.fetch.media_host import MediaHost
from warest.media.rules import is_among
from warest.mirroring import EXPIRED, FAILED, PENDING, SKIPPED, STORED, RemoteFile
from warest.proxies import Proxy
from warest.store import MessageFile, Store

ProxyOf = Callable[[str], Proxy | None]

log = logging.getLogger(__name__)

#: What an encrypted file is longer than the file, at most, bytes.
_OVERHEAD = 64


@dataclass(frozen=True)
class Report:
    """A message_received that waits for its file."""

    identity: SessionIdentity
    event_id: str
    data: dict[str, Any]


class Mirror:
    def __init__(self, house: House, store: Store, files: Storage, host: MediaHost, proxy_of: ProxyOf) -> None:
        self._proxy_of = proxy_of
        self._house = house
        self._settings = house.settings
        self._store = store
        self._files = files
        self._host = host
        self._types = kinds.split(house.settings.mirror_types.lower())

    def mirror(self, report: Report, attempt: int) -> None:
        """One try at the file of a message, and what follows from it."""
        remote = mirroring.file_of(report.data)
        assert remote is not None, "only messages with a file are entrusted"
        session = report.identity.ulid
        known = self._store.files.of_message(session, remote.chat, remote.message)
        if known and known.state != PENDING and known.told == known.state:
            return  # WhatsApp has delivered the message once more
        now = self._tried(session, remote, known or _record(remote), wanted=True)
        if now.state == PENDING and attempt > len(mirroring.SCHEDULE):
            now = replace(now, state=FAILED)
        self._store.files.put(session, now)
        if now.state == PENDING:
            self._again(report, attempt)
        else:
            self._tell(report, now)
            self._store.files.put(session, replace(now, told=now.state))

    def fetch(self, session: str, chat: str, message: str) -> MessageFile | None:
        """Another try at the file of a message, because somebody asks for it. None: it is of no message."""
        known = self._store.files.of_message(session, chat, message)
        if known is None or (known.state == STORED and self._files.exists(known.storage_key)):
            return known
        now = self._tried(session, _remote(known), known, wanted=False)
        self._store.files.put(session, now)
        return now

    def report_without_file(self, report: Report) -> None:
        """The patience is over; done already, as a rule."""
        data = mirroring.with_outcome(report.data, PENDING)
        if self._publish(report.identity, events.MESSAGE_RECEIVED, data, report.event_id):
            log.warning("event %s goes out without its file, which may follow", report.event_id)

    def forget(self, session: str) -> None:
        """Delete all that was stored for a session."""
        for entry in self._files.walk(f"{mirroring.PREFIX}{session}/"):
            self._files.delete(entry.key)

    def _tried(self, session: str, remote: RemoteFile, known: MessageFile, *, wanted: bool) -> MessageFile:
        """With what has become of the file. `wanted`: only if the settings want it."""
        if wanted and (reason := self._unwanted(remote)):
            return replace(known, state=SKIPPED, reason=reason)
        now = replace(known, tries=known.tries + 1, reason="")
        try:
            return replace(now, state=STORED, storage_key=self._stored(session, remote))
        except FetchError as error:
            state = EXPIRED if error.details.get("gone") else FAILED if error.permanent else PENDING
            trouble = error.message
        except InvalidInput as error:
            state, trouble = FAILED, error.message
        except DriverError as error:
            state, trouble = PENDING, error.message
        log.warning("the file of message %s is %s: %s", remote.message, state, trouble)
        return replace(now, state=state, reason=trouble)

    def _unwanted(self, remote: RemoteFile) -> str:
        """Why the settings do not want it; empty: they do."""
        if not self._settings.mirror:
            return "WAREST_DOWNLOAD_MEDIA_RECEIVED is off"
        if not is_among(remote.mime_type, self._types):
            return f"{remote.mime_type or 'a file without a type'} is not in WAREST_DOWNLOAD_MEDIA_ALLOW_MIMETYPES"
        if (remote.file.size or 0) > self._limit:
            return f"it is larger than WAREST_DOWNLOAD_MEDIA_MAX_MB ({self._settings.mirror_limit_mb:g})"
        return ""

    @property
    def _limit(self) -> int:
        return int(self._settings.mirror_limit_mb * 1_000_000)

    def _stored(self, session: str, remote: RemoteFile) -> str:
        """The key in storage; what is there already was verified when it came."""
        key = remote.storage_key(session)
        if self._files.exists(key):
            return key
        limit = min(self._limit, remote.file.size if remote.file.size is not None else self._limit) + _OVERHEAD
        kind, hash_ = KINDS[remote.file.kind][1], remote.file.encrypted_sha256
        told: dict[str, Any] = {"hash_": hash_, "kind": kind, "limit": limit, "proxy": self._proxy_of(session)}
        with self._host.open(remote.direct_path, remote.url, **told) as encrypted:
            self._files.put(
                key,
                remote.file.decrypted(encrypted),
                visibility=self._settings.storage_visibility,
                original_name=remote.name,
                mime_type=remote.mime_type,
            )
        return key

    def _again(self, report: Report, attempt: int) -> None:
        message = self._house.bus.message(keys.MIRROR_QUEUE, "mirror", **asdict(report), attempt=attempt + 1)
        self._house.broker.enqueue(message, delay=mirroring.SCHEDULE[attempt - 1] * 1000)

    def _tell(self, report: Report, now: MessageFile) -> None:
        """In the event itself, or behind it if that has gone out without."""
        data = self._finished(report.data, now)
        if self._publish(report.identity, events.MESSAGE_RECEIVED, data, report.event_id):
            return
        key = report.data["message"]
        origin = report.identity.ulid, now.chat, now.message, now.state
        news = ids.event_id_for(int(key["messageTimestamp"]) * 1000, "media", *origin)
        self._publish(report.identity, events.MESSAGE_MEDIA, mirroring.news_of(data), news)

    def _finished(self, data: dict[str, Any], now: MessageFile) -> dict[str, Any]:
        if now.state != STORED:
            return mirroring.with_outcome(data, now.state, now.reason)
        url, _ = links.to_received_file(self._settings, self._files, now.storage_key)
        return mirroring.with_stored(data, url, now.storage_key, self._files.driver)

    def _publish(self, identity: SessionIdentity, name: str, data: dict[str, Any], event_id: str) -> bool:
        return self._house.bus.publish(identity, events.make_now(identity, name, data, event_id=event_id))


def declare(house: House, store: Store, files: Storage, host: MediaHost, proxy_of: ProxyOf) -> None:
    """The actors of the queue of incoming files, and the one that does not wait for them. `proxy_of` a session."""
    work = Mirror(house, store, files, host, proxy_of)

    # What goes wrong beside the file is ours: the database or Redis away. It is worth waiting for.
    patient: dict[str, Any] = {"max_retries": 1_000, "min_backoff": 500, "max_backoff": 60_000}

    @dramatiq.actor(queue_name=keys.MIRROR_QUEUE, broker=house.broker, **patient)
    def mirror(identity: dict[str, str], event_id: str, data: dict[str, Any], attempt: int) -> None:
        """Run twice: the file is there, and the event has its id. Died half-way: nothing of the file is there."""
        report = Report(SessionIdentity(**identity), event_id, data)
        try:
            work.mirror(report, attempt)
        except NotFound:
            log.info("session %s was deleted before the file of its message came", report.identity.id)
            work.forget(report.identity.ulid)

    @dramatiq.actor(queue_name=keys.WEBHOOK_QUEUE, broker=house.broker, **patient)
    def report_without_file(identity: dict[str, str], event_id: str, data: dict[str, Any]) -> None:
        """Run twice, the event is published once. In the webhooks' queue: that of the files may be long."""
        work.report_without_file(Report(SessionIdentity(**identity), event_id, data))

    @dramatiq.actor(queue_name=keys.MIRROR_QUEUE, broker=house.broker, **patient)
    def forget_files(session: str) -> None:
        """Run twice, there is nothing left; died half-way, the rest goes the second time."""
        work.forget(session)

    @dramatiq.actor(queue_name=keys.MIRROR_QUEUE, broker=house.broker, store_results=True)
    def fetch_file(session: str, chat: str, message: str) -> dict[str, Any]:
        """Run twice, the file is there already."""
        found = work.fetch(session, chat, message)
        return answered(asdict(found) if found else None)


def _record(remote: RemoteFile) -> MessageFile:
    return MessageFile(
        chat=remote.chat,
        message=remote.message,
        kind=remote.file.kind,
        mime_type=remote.mime_type,
        name=remote.name,
        size=remote.file.size or 0,
        source=remote.to_dict(),
        state=PENDING,
    )


def _remote(known: MessageFile) -> RemoteFile:
    return RemoteFile.from_dict(known.source)
