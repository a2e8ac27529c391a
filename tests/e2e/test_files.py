"""Files travel from the API through the spool and the session to WhatsApp's media host, and open on the phone."""

import os

from support.product import Product
from support.waiting import eventually

ANI, BUDI = "628130001001", "628130001002"


def test_a_document_arrives_as_it_was(product: Product) -> None:
    """A large one, with a caption, to two phones; nothing of it stays behind."""
    product.link("ani", ANI)
    for phone in (BUDI, "628130001003"):
        product.sandbox("POST", "/phones", json={"phone": phone, "name": phone})
    content = os.urandom(3_000_000)
    answer = product.send_document("ani", f"{BUDI},628130001003", "report.pdf", content, caption="for you")
    assert (answer["code"], answer["message"]) == (1000, "Document message sent (2 recipients)")
    eventually(lambda: product.file_of(BUDI, "report.pdf") == content)
    eventually(lambda: product.file_of("628130001003", "report.pdf") == content)
    spooled = [path for path in product.data.rglob("spool/*") if path.is_file()]
    assert spooled == []


def test_a_session_that_is_not_open_takes_no_file(product: Product) -> None:
    answer = product.send_document("nobody", BUDI, "a.txt", b"x")
    assert answer["code"] == 1101
