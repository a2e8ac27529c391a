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
    """Two sessions, two phones, a text, and a receiver that finds its signature valid. Only the ports are others."""
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

    run = subprocess.Popen(["bash", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, _ = run.communicate(timeout=60)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)

    assert run.returncode == 0, output
    assert output.count('"message":"Session already open"') == 2, output
    assert '"message":"Text message sent"' in output
    assert '"text": "Hello Budi"' in output
    eventually(lambda: "message_received valid signature Hello Budi" in (product.folder / "hooks").read_text())
    assert "FORGED" not in (product.folder / "hooks").read_text()
