"""Checks of our own port, and of the way to WhatsApp as far as nothing is sent there."""

import socket

from warest.cli.doctor.finding import FAIL, OK, Finding
from warest.cli.up import answers
from warest.client import ApiError, Client
from warest.config.settings import Settings

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
