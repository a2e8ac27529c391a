"""What the engine lets a route do, where that is less than the contract promises.

Said at the route itself; http/resources/capabilities.py makes one table of all of it.
"""

from dataclasses import dataclass
from enum import Enum


class Support(Enum):
    FULL = "supported"
    PARTLY = "partly"
    LOCAL = "local only"  # it is so here, and the phone does not know
    NONE = "unsupported"  # 501, whatever is asked


@dataclass(frozen=True)
class Limit:
    """`mendable`: there is no such limit where the engine is mended (fixes.mend_app_state)."""

    support: Support
    reason: str
    mendable: bool = False


#: What one's own devices share.
APP_STATE = Limit(
    Support.LOCAL,
    "The engine loses the name of what it is to set (trap 4); with our fix, on Linux x86-64, it does not.",
    mendable=True,
)

BUTTONS = Limit(Support.PARTLY, "It is sent; whether and how phones show it is up to WhatsApp.")

STATUS = Limit(
    Support.PARTLY,
    "It reaches those in the address book that the phone has passed on; WhatsApp does not say how many they are.",
)

STANDS_STILL = Limit(Support.PARTLY, "It stays where it was sent: the engine has no keys to tell how it moves.")

RECEIPTS = Limit(
    Support.PARTLY,
    "Up to `sent`: to be told of deliveries and reading can end a session (trap 5).",
)

REMOVAL = Limit(
    Support.NONE,
    "The engine sends an empty picture, where none would take it away; with our fix, on Linux x86-64, it does not.",
    mendable=True,
)

NO_BUSINESS = Limit(Support.NONE, "The engine cannot ask for business profiles.")

NO_REJECTION = Limit(Support.NONE, "The engine cannot reject a request to join; it can be done on the phone.")

BY_ADDING = Limit(Support.PARTLY, "The engine cannot approve; whoever waits is added, which WhatsApp may refuse.")
