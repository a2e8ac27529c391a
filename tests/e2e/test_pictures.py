"""Pictures go from the web process through the spool to a worker, and back."""

import base64
import io

from PIL import Image

from support.product import Product


def test_pictures_are_made_by_the_worker(product: Product) -> None:
    """With the processes that `warest up` runs; nothing stays in the spool."""
    source = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(source, "PNG")
    given = {"file": base64.b64encode(source.getvalue()).decode(), "actions": {"resize": {"width": 32}}}
    answer = product.api("POST", "/misc/media/image", json=given)
    assert (answer["code"], answer["results"][0]["details"]["height"]) == (1000, 24), answer
    answer = product.api("POST", "/misc/convert-string-toqr/webp", json={"string": "hello"})
    fetched = product.http.get(f"http://127.0.0.1:{product.port}{answer['results'][0]['data']}")
    assert Image.open(io.BytesIO(fetched.content)).format == "WEBP"
    assert [path for path in product.data.rglob("spool/*") if path.is_file()] == []
