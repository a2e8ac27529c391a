"""Reports of errors to a Sentry server, when there is a DSN. Neither secrets nor what people write leaves with them.

So no local variables (texts and numbers stand in them), no breadcrumbs (log lines), no request bodies; what is left is
redacted like the log.
"""

import importlib.metadata
from typing import Any

from warest import traces
from warest.broker.discretion import Discretion
from warest.config.logs import redact
from warest.config.settings import Settings

#: Longest wait for reports that are on their way when a process ends, s.
SHUTDOWN = 2


def start(settings: Settings, process: str) -> None:
    """For this process. Without a DSN the library is not even loaded."""
    if not settings.sentry_dsn:
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        environment=settings.environment,
        release=f"warest@{importlib.metadata.version('warest')}",
        server_name=process,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_hub=False),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        send_default_pii=False,
        send_client_reports=False,
        auto_session_tracking=False,
        shutdown_timeout=SHUTDOWN,
        before_send=_cleaned,
    )


def _cleaned(event: Any, hint: Any) -> Any:
    for name in ("request", "user", "extra", "modules"):
        event.pop(name, None)
    if record := hint.get("log_record"):
        Discretion().filter(record)
        event["logentry"] = {"message": record.getMessage()}
    event["tags"] = {**event.get("tags", {}), **traces.now()}
    return _redacted(event)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each) for each in value]
    return value
