"""Checks of our own port, and of the way to WhatsApp as far as nothing is sent there."""

import socket
from concurrent.futures import ThreadPoolExecutor

from warest.cli.doctor.finding import FAIL, OK, WARN, Finding
from warest.cli.up import answers
from warest.client import ApiError, Client
from warest.config.proxy_settings import pool_of
from warest.config.settings import Settings
from warest.proxies import Proxy

#: Our own server answers at once, s.
PATIENCE = 3.0


def port(settings: Settings) -> Finding:
    """Ours answers there, or it is free for ours."""
    try:
        with Client(settings.model_copy(update={"base_url": ""}).origin, patience=PATIENCE) as client:
            client.server.ping()
            return Finding(OK, f"WAREST answers at {client.url}")
    except ApiError:
        return _is_free(settings)


def whatsapp(settings: Settings) -> Finding:
    if not settings.sandbox_url:
        return Finding(OK, "not tested: nothing is sent there from here, `warest session list` tells how sessions are")
    url = settings.sandbox_url.rstrip("/")
    if answers(f"{url}/health"):
        return Finding(OK, f"the sandbox network answers at {url}")
    return Finding(FAIL, f"no sandbox network answers at {url}", "Start `warest sandbox`, or unset WAREST_SANDBOX_URL.")


def proxies(settings: Settings) -> Finding:
    """Those of the pool take connections. Whether they lead to WhatsApp, the workers look."""
    pool = pool_of(settings)
    with ThreadPoolExecutor(len(pool) or 1) as threads:
        away = [address for address in threads.map(_unreachable, pool) if address]
    if not away:
        shown = "`GET /api/v1/proxies` tells whether they lead to WhatsApp"
        return Finding(OK, f"{len(pool)} take connections; {shown}" if pool else "none are set")
    remedy = "Start it, or take it out of WAREST_PROXY_URLS."
    said = f"{', '.join(away)} cannot be reached"
    return Finding(WARN if len(away) < len(pool) else FAIL, said, remedy)


def _unreachable(proxy: Proxy) -> str:
    """Its address; empty: somebody answers there."""
    try:
        socket.create_connection((proxy.host, proxy.port), PATIENCE).close()
    except OSError as error:
        return f"{proxy.address} ({error.strerror or error})"
    return ""


def _is_free(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is just being closed is in nobody's way
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            remedy = "End what has it, or take another one: PORT, HOST."
            return Finding(FAIL, f"{settings.address} cannot be had: {error.strerror or error}", remedy)
    return Finding(OK, f"{settings.address} is free")
