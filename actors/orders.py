"""The orders that a supervisor takes."""

from typing import Any

import dramatiq

from warest import keys
from warest.actors.supervisor import Supervisor
from warest.bus import answered
from warest.config.house import House


def declare(house: House, supervisor: Supervisor) -> set[str]:
    """The actors of a supervisor; returns their queues: everybody's and its own.

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

    return {keys.SUPERVISOR_QUEUE, own}
