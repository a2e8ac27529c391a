"""A stream that is written down elsewhere: in its order, by one process at a time.

Every worker process runs a follower of each such stream on a thread of its own. A lock in Redis says whose turn it is;
it expires when its holder dies, and then another goes on. Work that was done twice, by a holder that had been frozen
say, must be as good as done once.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import redis

from warest import keys
from warest.errors import DriverError
from warest.ids import new_ulid
from warest.lanes import RELEASE

log = logging.getLogger(__name__)

#: The id of an entry, and its fields.
Entry = tuple[str, dict[bytes, bytes]]

#: Does all that it is given, or raises a DriverError when that is not possible now.
Work = Callable[[list[Entry]], None]

#: Entries that are worked on together.
BATCH = 500

#: How long an idle follower waits in one command, so how long it takes to stop, ms.
BLOCK_MS = 800

#: What comes within so many seconds after some work is worked on together.
LINGER = 0.05

#: A holder that has given no sign of life for so long has lost its turn, ms.
LOCK_MS = 15_000

#: From one look whether it is ours to the next, and from trouble to the next try, s.
PAUSE = 1.0

_TAKE = """
-- KEYS: lock. ARGV: token, lock ms. Is it ours, or nobody's?
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_KEEP = """
-- KEYS: lock. ARGV: token, lock ms. A lock that is gone may have gone with all else in Redis: then it begins anew.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_GO_ON = """
-- KEYS: stream. ARGV: id. A Redis that was emptied, whose clock is behind the last one's, must not give out ids again.
if type(redis.pcall('XADD', KEYS[1], ARGV[1], 'x', '')) == 'string' then redis.call('XDEL', KEYS[1], ARGV[1]) end
"""


class Follower:
    def __init__(
        self, client: "redis.Redis", stream: str, work: Work, *, since: Callable[[], str] | None = None
    ) -> None:
        """`since` gives the id of the last entry that is done, from where the work keeps it: entries stay then.
        Without it they are deleted once they are done."""
        self._redis = client
        self._stream = stream
        self._work = work
        self._since = since
        self._token = new_ulid()
        self._go_on: Callable[..., Any] = client.register_script(_GO_ON)
        self._take, self._keep, self._leave = map(self._lock_script, (_TAKE, _KEEP, RELEASE))
        self._told_to_stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"follower of {stream}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: int) -> None:
        """What is in hand is finished, if that takes less than `timeout` ms; else it is done again elsewhere."""
        self._told_to_stop.set()
        self._thread.join(timeout / 1000)

    def _run(self) -> None:
        while not self._told_to_stop.is_set():
            try:
                self._follow()
            except (redis.RedisError, DriverError) as error:
                log.warning("%s is not written down, until the next try: %s", self._stream, error)
            except Exception:
                log.exception("%s is not written down, until the next try", self._stream)
            self._told_to_stop.wait(PAUSE)

    def _follow(self) -> None:
        """As long as it is our turn. After any trouble it begins anew, with what is known to be done."""
        if not self._take():
            return
        try:
            done = self._beginning()
            while not self._told_to_stop.is_set() and self._keep():
                done = self._worked_off(done)
        finally:
            self._leave()

    def _beginning(self) -> str:
        if self._since is None:
            return "0-0"
        done = self._since()
        self._go_on(keys=[self._stream], args=[done])
        return done

    def _lock_script(self, script: str) -> Callable[[], Any]:
        registered: Callable[..., Any] = self._redis.register_script(script)
        return lambda: registered(keys=[keys.follower(self._stream)], args=[self._token, LOCK_MS])

    def _worked_off(self, done: str) -> str:
        """Do what follows, if something does before long; the id of the last entry that is done."""
        entries = self._after(done)
        if not entries:
            return done
        self._do(entries)
        if self._since is None:
            self._redis.xdel(self._stream, *(id for id, _ in entries))
        if len(entries) < BATCH:
            self._told_to_stop.wait(LINGER)
        return entries[-1][0]

    def _after(self, id: str) -> list[Entry]:
        found: Any = self._redis.xread({self._stream: id}, count=BATCH, block=BLOCK_MS)
        return [(entry.decode(), fields) for _, entries in found for entry, fields in entries]

    def _do(self, entries: list[Entry]) -> None:
        try:
            self._work(entries)
        except DriverError:
            raise  # the database is away: it is worth waiting for
        except Exception:
            for entry in entries:
                self._do_singly(entry)

    def _do_singly(self, entry: Entry) -> None:
        """One that cannot be worked on, whatever the reason, must not hold up the others."""
        try:
            self._work([entry])
        except DriverError:
            raise
        except Exception:
            log.exception("entry %s of %s is passed over", entry[0], self._stream)
