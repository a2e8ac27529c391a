"""The life of a session: every state that it can be in, what that means, and what its owner can do about it.

`status` is the contract's word (data.md section 3), of which clients know only seven; `state` is ours and finer.
"""

from dataclasses import dataclass

# The contract's words.
STARTING = "starting"
CONNECTING = "connecting"
OPEN = "open"
RECONNECTING = "reconnecting"
REPLACED = "replaced"
LOGGED_OUT = "logged_out"
STOPPED = "stopped"


#: Those that lead to another soon, or something is stuck.
ON_THE_WAY = frozenset({"starting", "connecting", "paired", "reconnecting"})

#: Those that a linked session leaves by itself within seconds, if nothing is wrong beyond this house.
BACK_SOON = ON_THE_WAY | {"crashed", "keepalive_timeout"}


@dataclass(frozen=True, slots=True)
class State:
    """`ends`: nobody but its owner brings the session out of it; its process has gone or goes.

    `lives`: only as long as the process that said so.
    """

    name: str
    status: str
    meaning: str
    advice: str
    ends: bool = False
    lives: bool = False


STATES = {
    state.name: state
    for state in (
        State("starting", STARTING, "The session's process is being started.", "Wait a few seconds."),
        State("connecting", CONNECTING, "The session is connecting to WhatsApp.", "Wait a few seconds.", lives=True),
        State("qr", CONNECTING, "A QR waits to be scanned.", "Scan it with WhatsApp, Linked devices.", lives=True),
        State(
            "pairing_code",
            CONNECTING,
            "A pair code waits to be typed.",
            "Type it on the phone: WhatsApp, Linked devices, Link with phone number.",
            lives=True,
        ),
        State(
            "paired",
            CONNECTING,
            "The account is linked; its connection is being made.",
            "Wait a few seconds.",
            lives=True,
        ),
        State("open", OPEN, "The session is online.", "Nothing to do.", lives=True),
        State("reconnecting", RECONNECTING, "The connection was lost.", "Wait: it is being made again."),
        State(
            "keepalive_timeout",
            RECONNECTING,
            "WhatsApp has stopped answering on an open connection.",
            "Wait: the session is started again. If it repeats, look at the network or the proxy.",
        ),
        State(
            "phone_offline",
            OPEN,
            "The session is online, but its phone has sent nothing for days.",
            "Open WhatsApp on the phone: after 14 days it unlinks its devices.",
            lives=True,
        ),
        State("crashed", RECONNECTING, "The session's process has ended.", "Wait: it is started again."),
        State(
            "qr_expired",
            STOPPED,
            "Nobody has scanned the QR in three rounds.",
            "Ask for a new one with session/create.",
            ends=True,
        ),
        State(
            "logged_out",
            LOGGED_OUT,
            "The phone, or WhatsApp, has unlinked this device.",
            "Link the account again with session/create.",
            ends=True,
        ),
        State(
            "main_device_gone",
            LOGGED_OUT,
            "The account's phone is gone: WhatsApp was deleted or registered anew.",
            "Set WhatsApp up on the phone, then link the account again with session/create.",
            ends=True,
        ),
        State(
            "replaced",
            REPLACED,
            "Another client has opened the same session.",
            "End the other one, then session/reconnect.",
            ends=True,
        ),
        State(
            "banned",
            STOPPED,
            "WhatsApp has banned the account for a time.",
            "Wait until the time in `until`, send less and to people who know you, then session/reconnect.",
            ends=True,
        ),
        State(
            "outdated",
            STOPPED,
            "WhatsApp no longer accepts this version of the engine.",
            "Upgrade WAREST, then session/reconnect.",
            ends=True,
        ),
        State(
            "failed",
            STOPPED,
            "WhatsApp has refused the connection.",
            "Read `reason`; then session/reconnect.",
            ends=True,
        ),
        State("stopped", STOPPED, "The session was stopped.", "Start it with session/create.", ends=True),
    )
}
