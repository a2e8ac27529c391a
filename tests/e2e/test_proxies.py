"""A proxy that dies, stalls or refuses is replaced while messages flow, and nothing is lost: by the running product.

One product for all tests of this file, whose pool are three proxies on this machine; its limits are small.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from support.local_proxies import LocalProxy
from support.product import Product, kept_running
from support.receiver import Receiver
from support.waiting import eventually
from warest.sandbox.certificates import Authority
from warest.sandbox.store import Store

PHONES = iter(range(628150000001, 628160000000))

SECRET = "s3cret-of-the-proxies"

MEDIA = "mmg.whatsapp.net:443"

#: A proxy that fails is out of the way after two checks, of which each may take a second and a half, and a sign of
#: life; then another process is started.
LIMITS = {
    "WAREST_PROXY_CHECK_INTERVAL_MS": "500",
    "WAREST_PROXY_TIMEOUT_MS": "1500",
    "WAREST_PROXY_FAILURE_COOLOFF_MS": "1000",
    "WAREST_LEASE_SEC": "4",
}


class Setting:
    """The product, its pool, and a session in a conversation."""

    def __init__(self, product: Product, pool: list[LocalProxy], authority: Authority) -> None:
        """`authority` is whom the product believes: the sandbox's."""
        self.product = product
        self.pool = pool
        self.authority = authority

    def seen(self) -> dict[str, dict[str, Any]]:
        """The pool by its addresses."""
        return {each["address"]: each for each in self.product.api("GET", "/proxies")["results"]}

    def of(self, session: str) -> dict[str, Any]:
        """The proxy of a session, as its owner sees it."""
        told: dict[str, Any] = self.product.api("GET", f"/session/{session}/proxy")["results"][0]
        return told

    def used_by(self, session: str) -> LocalProxy:
        """LookupError as long as it has taken none."""
        return {proxy.address: proxy for proxy in self.pool}[self.of(session)["address"]]

    def all_well(self) -> None:
        for proxy in self.pool:
            proxy.recover()
        eventually(lambda: all(each["state"] == "ok" and each["lastCheckOk"] for each in self.seen().values()))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    product = Product(tmp_path_factory.mktemp("p"))
    store = Store(product.data / "sandbox")  # it is the sandbox's as soon as that runs
    authority = Authority.from_pem(store.setting("authority", lambda: Authority.generate().to_pem()))
    store.close()
    with ExitStack() as stack:
        kinds = ("http", "http", "socks5")
        pool = [stack.enter_context(LocalProxy(product.sandbox_port, kind, ("u", SECRET))) for kind in kinds]
        product.environment |= LIMITS | {"WAREST_PROXY_URLS": ",".join(proxy.url for proxy in pool)}
        yield Setting(stack.enter_context(kept_running(product)), pool, authority)


@pytest.fixture
def setting(product: Setting) -> Setting:
    """All proxies are well at first, and known to be."""
    product.all_well()
    return product


class Conversation:
    """A session and somebody else write to each other, one text after the other, until it is over."""

    def __init__(self, setting: Setting, receiver: Receiver) -> None:
        self._product = setting.product
        self._receiver = receiver
        self.phone, self.other = str(next(PHONES)), str(next(PHONES))
        self.name = f"s{self.phone}"
        self._over = threading.Event()
        self.answered: list[str] = []
        self.unknown: list[str] = []
        self.written: list[str] = []
        setting.product.link(self.name, self.phone, receiver.url)
        setting.product.sandbox("POST", "/phones", json={"phone": self.other, "name": "Other"})
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._send, self._write)]

    def __enter__(self) -> "Conversation":
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self) -> None:
        """In both directions, from now on."""
        answered, came = len(self.answered), len(self._receiver.texts())
        eventually(lambda: len(self.answered) > answered and len(self._receiver.texts()) > came, within=30)

    def files(self) -> list[str]:
        """What has become of those that came."""
        found = [one.json["data"].get("media") for one in self._receiver.of("message_received")]
        return [each["mirror"]["status"] for each in found if each]

    def nothing_is_lost(self) -> None:
        """What was answered with success has come once, what was not at most once; all that was written has come."""
        eventually(lambda: set(self.written) <= set(self._receiver.texts()))
        eventually(lambda: set(self.answered) <= set(self._product.texts(self.other)))
        texts = self._product.texts(self.other)
        assert len(texts) == len(set(texts)) and set(texts) <= {*self.answered, *self.unknown}

    def _send(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            answer = self._product.send(self.name, self.other, f"out {number}")
            (self.answered if answer["code"] == 1000 else self.unknown).append(f"out {number}")
            self._over.wait(0.05)

    def _write(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            self._product.phone_sends(self.other, self.phone, f"in {number}")
            self.written.append(f"in {number}")
            self._over.wait(0.1)


@pytest.mark.parametrize("trouble", ["die", "stall", "refuse"])
def test_a_proxy_that_fails_is_replaced(setting: Setting, receiver: Receiver, trouble: str) -> None:
    """Within a few seconds, by these settings; whoever talks meanwhile hears of nothing but a wait."""
    with Conversation(setting, receiver) as talk:
        bad = setting.used_by(talk.name)
        getattr(bad, trouble)()
        began = time.monotonic()
        eventually(lambda: setting.used_by(talk.name) is not bad, within=20, what="another proxy")
        setting.product.wait_open(talk.name)
        print(f"\n{trouble}: another proxy after {time.monotonic() - began:.1f} s")
        talk.goes_on()
        assert setting.seen()[bad.address]["left"] >= 1
    talk.nothing_is_lost()


@pytest.mark.parametrize("kind", ["socks5", "https"])
def test_a_session_has_its_own(setting: Setting, receiver: Receiver, kind: str) -> None:
    """With a password: all of its connection goes there, files too; taken away, it is one of the pool again. And nobody
    is shown a password."""
    product = setting.product
    certificate = setting.authority.context(["localhost"]) if kind == "https" else None
    with (
        LocalProxy(product.sandbox_port, kind, ("me", SECRET), certificate) as own,
        Conversation(setting, receiver) as talk,
    ):
        pid = product.session_pid(talk.name)
        told = product.api("PUT", f"/session/{talk.name}/proxy", json={"proxy": own.url})["results"][0]
        assert told == {"sessionId": talk.name, "source": "own", "address": own.address}
        eventually(lambda: product.session_pid(talk.name) not in (0, pid))
        product.wait_open(talk.name)
        talk.goes_on()
        product.send_document(talk.name, talk.other, "out.txt", b"a file that goes out")
        eventually(lambda: product.file_of(talk.other, "out.txt") == b"a file that goes out")
        product.phone_sends_media(talk.other, talk.phone, "document", b"%PDF-1.4 in", mimetype="application/pdf")
        eventually(lambda: talk.files() == ["stored"])
        assert {*own.asked} == {"web.whatsapp.com:443", "mmg.whatsapp.net:443"} and own.asked.count(MEDIA) >= 2
        product.api("DELETE", f"/session/{talk.name}/proxy")
        eventually(lambda: setting.of(talk.name)["source"] == "pool" and setting.used_by(talk.name))
        product.wait_open(talk.name)
        talk.goes_on()
    talk.nothing_is_lost()
    assert SECRET not in product.log.read_text()


def test_what_is_told_of_the_pool(setting: Setting) -> None:
    """To admins and to Prometheus; a check on request finds one that is gone."""
    product, gone = setting.product, setting.pool[0]
    gone.die()
    checked = product.api("POST", "/proxies/check")["results"]
    assert [each["lastCheckOk"] for each in checked] == [False, True, True] and checked[1]["latencyMs"] > 0
    url = f"http://127.0.0.1:{product.port}/metrics"
    metrics = product.http.get(url, headers={"X-WAREST-API-KEY": product.key}).text
    assert 'warest_proxies{state="cooling"} 1.0' in metrics
    assert f'warest_proxy_failures_total{{proxy="{gone.address}"}}' in metrics and SECRET not in metrics
