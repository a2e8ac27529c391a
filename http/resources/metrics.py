"""/metrics: the figures of all processes, as Prometheus reads them.

Those of the process that answers are of this moment, those of the others what they last told Redis (vitals.py).
"""

import importlib.metadata
import time
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import falcon
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from warest import keys, vitals
from warest.config.house import House, open_proxies
from warest.http.errors import Family
from warest.http.operation import Access, Bytes, Content, Parameters, operation
from warest.http.resources.server import depths
from warest.meters import BOUNDS
from warest.store import Store
from warest.vitals import Report, Reporter

_OF_PROCESS = ("kind", "host", "pid", "session")

#: Name of each figure of a process, what it is, whether it only grows, and its field in a report.
_FIGURES = (
    ("warest_process_resident_memory_bytes", "What the process has in memory", False, "residentBytes"),
    ("warest_process_cpu_seconds", "What the process has had of the processor", True, "cpuSeconds"),
    ("warest_process_threads", "Threads of the process", False, "threads"),
    ("warest_process_start_time_seconds", "When the process was started, epoch seconds", False, "startedAt"),
)

#: Name of each kind of work in reports: the histogram that shows it, what it is, and its labels.
_WORK = {
    "http": ("warest_http_request_seconds", "Requests answered", ("method", "route", "status")),
    "messages": ("warest_dramatiq_message_seconds", "Dramatiq messages worked on", ("actor", "outcome")),
    "webhooks": ("warest_webhook_attempt_seconds", "Tries at webhook receivers", ("outcome",)),
}


class Metrics:
    """/metrics"""

    def __init__(self, parts: House, store: Store, reporter: Reporter) -> None:
        self._figures = _Figures(parts, store, reporter)

    @operation("Figures for Prometheus", family=Family.E4, access=Access.METRICS, result=Content)
    def on_get(self, request: falcon.Request, parameters: Parameters) -> Bytes:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._figures)
        return Bytes(200, {"Content-Type": CONTENT_TYPE_LATEST}, [generate_latest(registry)])


class _Figures(Collector):
    def __init__(self, parts: House, store: Store, reporter: Reporter) -> None:
        self._parts = parts
        self._store = store
        self._reporter = reporter
        self._pool = open_proxies(parts.settings, parts.redis)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("warest_build_info", "Which release this is", labels=["version"])
        build.add_metric([importlib.metadata.version("warest")], 1)
        yield build
        yield from self._house()
        others = [report for report in vitals.reports(self._parts.redis) if report["id"] != self._reporter.id]
        yield from _of_processes([self._reporter.report(), *others])

    def _house(self) -> Iterator[Metric]:
        records = self._store.all_sessions()
        states = self._parts.states.get_many(record.ulid for record in records)
        sessions = GaugeMetricFamily("warest_sessions", "Sessions by status", labels=["status"])
        for status, count in Counter(state.known.status for state in states).items():
            sessions.add_metric([status], count)
        yield sessions
        waiting = GaugeMetricFamily("warest_queue_messages", "Messages that are not done yet", labels=["queue"])
        dead = GaugeMetricFamily("warest_dead_letters", "Messages that no retry will deliver", labels=["queue"])
        for queue, (not_done, died) in depths(self._parts).items():
            waiting.add_metric([queue], not_done)
            dead.add_metric([queue], died)
        yield from (waiting, dead)
        length: Any = self._parts.redis.xlen(keys.EVENTS)
        yield GaugeMetricFamily("warest_events_stream_length", "Events in the public stream", value=length)
        deliveries = GaugeMetricFamily(
            "warest_deliveries", "Deliveries in the log that are not delivered", labels=["state"]
        )
        for state, count in self._store.deliveries.undelivered().items():
            deliveries.add_metric([state], count)
        yield deliveries
        yield from self._proxies()

    def _proxies(self) -> Iterator[Metric]:
        """By what people may see of them; several may differ in their credentials only."""
        now, seen = time.time(), self._pool.seen()
        states = GaugeMetricFamily("warest_proxies", "Proxies of the pool by state", labels=["state"])
        for state, count in Counter(each.condition.state(now) for each in seen).items():
            states.add_metric([state], count)
        failed = CounterMetricFamily("warest_proxy_failures", "Connections and checks in vain", labels=["proxy"])
        left = CounterMetricFamily("warest_proxy_rotations", "Sessions that left it for another", labels=["proxy"])
        addresses = dict.fromkeys(each.proxy.address for each in seen)
        for address in addresses:
            same = [each.condition for each in seen if each.proxy.address == address]
            failed.add_metric([address], sum(condition.failed for condition in same))
            left.add_metric([address], sum(condition.left for condition in same))
        yield from (states, failed, left)


def _of_processes(reports: list[Report]) -> Iterator[Metric]:
    for name, what, grows, field in _FIGURES:
        family = (CounterMetricFamily if grows else GaugeMetricFamily)(name, what, labels=_OF_PROCESS)
        for report in reports:
            family.add_metric(_labels(report), report[field])
        yield family
    for work, (name, what, labels) in _WORK.items():
        histogram = HistogramMetricFamily(name, what, labels=(*_OF_PROCESS, *labels))
        for report in reports:
            for values, seconds, buckets in report["work"].get(work, []):
                histogram.add_metric([*_labels(report), *values], _cumulative(buckets), seconds)
        yield histogram


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    return list(zip(bounds, map(float, accumulate(buckets)), strict=True))


def _labels(report: Report) -> list[str]:
    return [str(report[name] or "") for name in _OF_PROCESS]
