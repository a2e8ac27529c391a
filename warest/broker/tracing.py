"""Has the threads of actors know what they work on (traces.py)."""

from typing import Any

import dramatiq
from dramatiq.broker import MessageProxy

from warest import traces

#: The option of a message that carries what its sender worked on.
OPTION = "trace"


class Tracing(dramatiq.Middleware):
    def before_process_message(self, broker: dramatiq.Broker, message: MessageProxy) -> None:
        carried, session = message.options.get(OPTION) or {}, message.kwargs.get("session")
        own = {"session": session} if isinstance(session, str) and "session" not in carried else {}
        traces.begin(**{name: str(value) for name, value in carried.items() if name in traces.NAMES}, **own)

    def after_process_message(
        self, broker: dramatiq.Broker, message: MessageProxy, *, result: Any = None, exception: Any = None
    ) -> None:
        traces.begin()

    after_skip_message = after_process_message
