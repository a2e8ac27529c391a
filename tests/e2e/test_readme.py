"""The README's quick start, run as it is written."""

import os
import re
import signal
import subprocess
from pathlib import Path

from support.product import Product, free_port
from support.waiting import eventually

ROOT = Path(__file__).parent.parent.parent


def test_the_quick_start_works(product: Product) -> None:
    """Two sessions, two phones, a text, a receiver that finds its signature valid, our own commands.

    Only the ports and the data folder are others.
    """
    first, *blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert first == "make demo\n"
    assert "warest up --sandbox" in (ROOT / "Makefile").read_text()
    script = "\n".join(
        ["set -eu", *blocks, f"until grep -q Hello {product.folder}/hooks; do sleep 0.05; done", "kill $!"]
    )
    hooks = str(free_port())
    for written, used in (("7308", str(product.port)), ("7309", str(product.sandbox_port)), ("8000", hooks)):
        script = script.replace(written, used)
    script = script.replace("data/secrets.json", str(product.data / "secrets.json"))
    script = script.replace("my-secret &", f"my-secret > {product.folder}/hooks &")

    # The commands of ours find this server by the settings; readers have theirs at the default ones.
    environment = os.environ | {"PORT": str(product.port), "WAREST_DATA_DIR": str(product.data)}

    run = subprocess.Popen(
        ["bash", "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, _ = run.communicate(timeout=60)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)

    assert run.returncode == 0, output
    assert output.count('"message":"Session already open"') == 2, output
    assert '"message":"Text message sent"' in output
    assert '"text": "Hello Budi"' in output
    assert re.search(r"^budi +open +open +628110000002", output, re.MULTILINE)
    assert re.search(r"^628110000001 +\w+$", output, re.MULTILINE)
    assert re.search(r"^ok +whatsapp", output, re.MULTILINE) and not re.search(r"^fail", output, re.MULTILINE)
    eventually(lambda: product.phone_has("628110000001", "Hello Ani"))
    [told] = re.findall(r"The receiver prints `(.+?)`", (ROOT / "README.md").read_text())
    said = re.escape(told).replace("evt_…", r"evt_\w+")
    eventually(lambda: re.search(f"^{said}$", (product.folder / "hooks").read_text(), re.MULTILINE))
    assert "REFUSED" not in (product.folder / "hooks").read_text()
