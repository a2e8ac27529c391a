"""The orders that a supervisor takes."""

import functools
from typing import Any

import dramatiq

from warest import keys
from warest.actors.supervisor import Supervisor
from warest.bus import answered, refused
from warest.config.house import House
from warest.errors import WarestError
from warest.spool import ON_ITS_WAY, Spool

#: Bytes of a file that are moved at once.
PIECE = 65536


def declare(house: House, supervisor: Supervisor, spool: Spool) -> set[str]:
    """The actors of a supervisor; returns their queues: everybody's and its own. Keys come and go through the `spool`.

    All are idempotent: an order that died half-way is finished by the second run.
    """
    own = keys.supervisor_queue(supervisor.id)
    house.broker.declare_queue(own)

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def start_session(session: str) -> dict[str, Any]:
        supervisor.start(session)
        return answered(None)

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def stop_session(session: str, purge: bool) -> dict[str, Any]:
        return answered(supervisor.stop(session, purge=purge))

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def restart_session(session: str) -> dict[str, Any]:
        supervisor.restart(session)
        return answered(None)

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def pack_session(session: str, stop: bool) -> dict[str, Any]:
        """Run twice, there are two files; the one that nobody fetches goes when its time is over."""
        try:
            packed = supervisor.key_stores.packed(session)  # raises where that is impossible, before it is stopped
            if stop:
                supervisor.retire(session)
            with packed as file:
                return answered(spool.put(iter(lambda: file.read(PIECE), b""), seconds=ON_ITS_WAY))
        except WarestError as error:
            return refused(error)

    @dramatiq.actor(queue_name=keys.SUPERVISOR_QUEUE, broker=house.broker, store_results=True)
    def unpack_session(session: str, file: str) -> dict[str, Any]:
        try:
            return answered(supervisor.key_stores.unpack(session, functools.partial(spool.copy, file)))
        except WarestError as error:
            return refused(error)

    return {keys.SUPERVISOR_QUEUE, own}
