"""Thousands of requests made up from the OpenAPI document: whatever comes, the answer is one that is described."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.product import free_port, running

#: Of each operation, beside those that reach into the corners of its schema.
EXAMPLES = 20

#: Operations that would take away what the others need, and calls: there are none that could be rejected; and an
#: answer that does not end.
LEFT_OUT = "restart|session/(delete|logout)|calls|events/stream"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_request_breaks_anything(folder: Path) -> None:
    """2,000 of them and more, against a session that is online, named as in the examples of the document."""
    settings = {"WAREST_COMMAND_TIMEOUT_SEC": "2", "WAREST_FETCH_PRIVATE_NETWORKS": "127.0.0.0/8"}
    with running(folder, **settings) as product:
        product.sandbox("POST", "/phones", json={"phone": "628123456789", "name": "Budi"})
        product.link("me", "628111222333")
        # The files of the examples are on a host of this machine, where nobody listens.
        document = json.dumps(product.openapi()).replace("https://example.com", f"http://127.0.0.1:{free_port()}")
        (folder / "openapi.json").write_text(document)
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", "openapi.json", "--no-color",
            "--url", f"http://127.0.0.1:{product.port}", "--header", f"X-WAREST-API-KEY: {product.key}",
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--mode", "all",
            "--checks", "status_code_conformance,content_type_conformance,response_schema_conformance",
            "--continue-on-failure", "--exclude-path-regex", LEFT_OUT,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        print(done.stdout[done.stdout.find("= SUMMARY") :])
        assert done.returncode == 0, done.stdout[done.stdout.find("= FAILURES") :] + done.stderr
        assert not [line for line in product.log.read_text().splitlines() if "failed" in line and " request " in line]
        assert product.session("me")["status"] == "open"
