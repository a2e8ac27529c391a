"""Which WhatsApp the sessions of this host connect to: the real one, or a sandbox on this machine."""

import base64
import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warest import proxies
from warest.config.house import open_media_host
from warest.config.settings import Settings
from warest.errors import InvalidInput, SetupError
from warest.proxies import Proxy
from warest.whatsapp import fixes

if TYPE_CHECKING:
    from warest.fetch.media_host import MediaHost

log = logging.getLogger(__name__)

#: Where the engine connects to.
WHATSAPP = "web.whatsapp.com"

#: A sandbox that is started together with the sessions may need this long, s.
SANDBOX_PATIENCE = 30.0

#: For addresses of this machine: HTTP_PROXY may be set for other reasons.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Network:
    """A sandbox: where its proxy is, whom to trust for TLS, and the root of its Noise certificates."""

    proxy: str
    ca_file: Path
    noise_root: bytes


def of(settings: Settings) -> Network | None:
    """The sandbox that the settings name; None: the real WhatsApp. Raises SetupError when it does not answer."""
    if not settings.sandbox_url:
        return None
    offer = _ask(settings.sandbox_url.rstrip("/") + "/network")
    ca_file = settings.data_dir / "sandbox-ca.pem"
    ca_file.write_text(offer["ca"])
    return Network(settings.sandbox_url, ca_file, base64.b64decode(offer["noiseRoot"]))


def session_environment(settings: Settings, network: Network | None) -> dict[str, str]:
    """The environment that session processes need at exec."""
    return fixes.environment(
        os.environ, memory_mb=settings.engine_memory_mb, ca_file=network.ca_file if network else None
    )


def usual_proxy(network: Network | None) -> Proxy | None:
    """The way of sessions that use no proxy of ours: the sandbox's, or what `HTTPS_PROXY` says. Raises SetupError."""
    if network:
        return proxies.parse(network.proxy)
    given = urllib.request.getproxies().get("https", "")
    if not given or urllib.request.proxy_bypass(WHATSAPP):
        return None
    try:
        return proxies.parse(given)
    except InvalidInput as error:
        raise SetupError(f"HTTPS_PROXY: {error.message}") from None


def media_host(settings: Settings, network: Network | None) -> "MediaHost":
    """Where the files of incoming messages are."""
    return open_media_host(settings, usual_proxy(network), trusted(network))


def trusted(network: Network | None) -> ssl.SSLContext | None:
    """Whose certificates WhatsApp's hosts have; None: the usual ones."""
    return ssl.create_default_context(cafile=network.ca_file) if network else None


def _ask(url: str) -> dict[str, str]:
    deadline = time.monotonic() + SANDBOX_PATIENCE
    while True:
        try:
            with DIRECT.open(url, timeout=5) as answer:
                offer: dict[str, str] = json.load(answer)
                return offer
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise SetupError(f"The sandbox network does not answer at {url}: {error}") from error
            time.sleep(0.1)
