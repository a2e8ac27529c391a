"""What a supervisor concludes about others."""

import os
import socket
import subprocess
import sys

from warest.actors.supervisor import is_dead_neighbour


def test_a_neighbour_is_dead_when_its_process_is_gone() -> None:
    """Of another host nothing is known, and a living one is left alone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    assert is_dead_neighbour(f"{host}/{gone.pid}/ABC")
    assert not is_dead_neighbour(f"{host}/{os.getpid()}/ABC")
    assert not is_dead_neighbour(f"another-{host}/{gone.pid}/ABC")
