"""Logs: one JSON object a line on stderr, or readable lines with LOG_PRETTY, each with what it is about (traces.py).

API keys never get in, see `redact`; what people write nobody logs, and tests look for it.
"""

import logging
import re
import sys
import time

import orjson

from warest import traces
from warest.broker.discretion import Discretion
from warest.config.settings import Settings

LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}

#: Keys stand in query strings too (contract, endpoints.md 0.3), and so in every URL that a library logs.
_KEY = re.compile(
    r"(?i)"
    r"((?:api[_-]?key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',}]+"  # query, header, JSON
    r"|(\b(?:Bearer|Authorization\W{1,5}\w+) )[^\s\"',}]+"
    r"|((?:admin|user)_[0-9A-Z]{26}_)[0-9a-f]+"
    r"|(://[^/\s:@]*:)[^/\s@]+(?=@)"  # the password in a URL
)


def configure(settings: Settings, process: str) -> None:
    """Set up the root logger of this process, before any library does (trap 25: neonize calls basicConfig)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Discretion())
    handler.setFormatter(Pretty(process) if settings.log_pretty else JsonLines(process))
    logging.basicConfig(level=LEVELS[settings.log_level], handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "dramatiq.worker", "yoyo", "pony", "websockets"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, LEVELS[settings.log_level]))


def redact(text: str) -> str:
    return _KEY.sub(lambda match: f"{match[match.lastindex or 0]}…", text)


def printable(text: str) -> str:
    """Redacted, and with what cannot be written as UTF-8 escaped: half a surrogate pair must not cost a line."""
    return redact(text).encode(errors="backslashreplace").decode()


class JsonLines(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "process": self.process,
            "logger": record.name,
            "message": printable(record.getMessage()),
            **traces.now(),
        }
        if record.exc_info:
            line["exception"] = printable(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


class Pretty(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s {process:<9.20} %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" {name}={value}" for name, value in traces.now().items())
        return printable(super().format(record)) + (f"  [{about.strip()}]" if about else "")
