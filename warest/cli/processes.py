"""The processes that do the work: each command runs one until SIGTERM or Ctrl-C."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import click
import dramatiq

from warest import keys
from warest.actors import (
    calls,
    delivery_log,
    event_log,
    history,
    maintenance,
    mirror,
    network,
    orders,
    pictures,
    preparing,
    proxy_checks,
    reactions,
    schedule,
    supervisor,
    webhooks,
)
from warest.config import folders, logs, secrets, sentry, settings
from warest.config import house as houses
from warest.meters import Meter
from warest.outlets import Outlets
from warest.restarts import Turn
from warest.store import Store
from warest.vitals import Reporter

#: How long a stopping process may finish what it is doing, ms.
STOP_PATIENCE_MS = 5_000

#: Sessions whose notes one worker process writes down at the same time.
HISTORY_THREADS = 2


@click.command()
def sessions() -> None:
    """Run the WhatsApp sessions, each in a process of its own."""
    current = settings.from_env()
    logs.configure(current, "sessions")
    sentry.start(current, "sessions")
    house = houses.connect(current)
    membership = folders.join(current, house.redis, "sessions")
    host = supervisor.Supervisor(house, houses.open_store(current), network.of(current))
    spool = houses.open_spool(current, houses.open_storage(current))
    taker = dramatiq.Worker(house.broker, queues=orders.declare(house, host, spool), worker_threads=4)
    taker.start()
    host.run()
    reporter = Reporter(house.redis, "sessions", {"messages": house.meter})
    reporter.run_beside()
    _until_told()
    reporter.leave()
    taker.stop(timeout=STOP_PATIENCE_MS)
    host.close()
    membership.leave()
    house.broker.close()


@click.command()
def worker() -> None:
    """Deliver webhooks, store what came in, and keep house."""
    current = settings.from_env()
    logs.configure(current, "worker")
    sentry.start(current, "worker")
    house = houses.connect(current)
    membership = folders.join(current, house.redis, "worker")
    store = houses.open_store(current)
    tries = webhooks.meter()
    crews = _crews(current, house, store, tries)
    followers = [event_log.follower(house, store), delivery_log.follower(house, store)]
    for crew in crews:
        crew.start()
    for follower in followers:
        follower.start()
    reporter = Reporter(house.redis, "worker", {"messages": house.meter, "webhooks": tries})
    reporter.run_beside()
    turn = Turn(house.redis, "worker", reporter.started_at)
    restarts = _until_told(turn.has_come)
    reporter.leave()
    stops = [partial(crew.stop, timeout=STOP_PATIENCE_MS) for crew in crews]
    stops += [partial(follower.stop, STOP_PATIENCE_MS) for follower in followers]
    with ThreadPoolExecutor(len(stops)) as pool:  # each takes a second to notice
        list(pool.map(lambda stop: stop(), stops))
    membership.leave()
    house.broker.close()
    if restarts:  # as the same process, so that whoever has started it notices nothing
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _crews(current: settings.Settings, house: houses.House, store: Store, tries: Meter) -> list[dramatiq.Worker]:
    """Threads for each kind of work: a large file must not keep a webhook waiting."""
    files = houses.open_storage(current)
    for each in webhooks.declare(house, store, secrets.load(current).webhook_secret, tries).rounds:
        each.order(delay_ms=0)
    spool = houses.open_spool(current, files)
    maintenance.declare(
        house,
        spool,
        houses.open_handouts(current, files),
        event_log.OldEvents(store, days=current.events_retention_days),
        maintenance.OldTrail(store, days=current.audit_retention_days),
        delivery_log.OldDeliveries(store, days=current.deliveries_retention_days),
        reactions.OldReactions(store, days=current.deliveries_retention_days),
    ).order(delay_ms=0)
    pictures.declare(house, spool)
    sandbox = network.of(current)
    outlets = Outlets(store, houses.open_proxies(current, house.redis), is_sandbox=sandbox is not None)
    mirror.declare(house, store, files, network.media_host(current, sandbox), outlets.of)
    preparing.declare(house, spool, outlets.of)
    if rounds := proxy_checks.declare(house, network.trusted(sandbox)):
        rounds.order(delay_ms=0)
    history.declare(house, store)
    calls.declare(house, store)
    schedule.declare(house, store).order(delay_ms=0)
    reactions.declare(house, store, spool)
    return [
        dramatiq.Worker(house.broker, queues={keys.WEBHOOK_QUEUE}, worker_threads=current.webhook_threads),
        dramatiq.Worker(house.broker, queues={keys.MAINTENANCE_QUEUE}, worker_threads=current.worker_threads),
        dramatiq.Worker(house.broker, queues={keys.HISTORY_QUEUE}, worker_threads=HISTORY_THREADS),
        dramatiq.Worker(house.broker, queues={keys.MIRROR_QUEUE}, worker_threads=current.mirror_threads),
        dramatiq.Worker(house.broker, queues={keys.MEDIA_QUEUE}, worker_threads=current.media_threads),
        dramatiq.Worker(house.broker, queues={keys.ACTIONS_QUEUE}, worker_threads=current.action_threads),
    ]


def _until_told(restarts: Callable[[], bool] = lambda: False) -> bool:
    """Wait for a signal, or until `restarts` says so, which is then the answer."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    while not told.wait(1):
        if restarts():
            return True
    return False
