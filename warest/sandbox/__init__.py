"""A WhatsApp network on this machine: unmodified neonize connects to it, with no phone and no internet.

    from warest.sandbox import run
    run(Path("data/sandbox"), port=7309)

A *phone* is an account's main device and lives in the sandbox; a *session* is a neonize client that is linked to it.
An account without a session is simply a contact. Messages between them are encrypted as on the real network.
"""

from warest.sandbox.server import HOST, PORT, Sandbox, run

__all__ = ["HOST", "PORT", "Sandbox", "run"]
