"""/api/v1/misc: tools."""

from collections.abc import Iterator
from typing import Any

from warest.config import house
from warest.config.house import House
from warest.drivers.storage import Storage
from warest.fetch import Fetcher
from warest.http.asking import Asker
from warest.http.inputs import Inputs
from warest.http.outputs import Outputs
from warest.http.resources import (
    base64_texts,
    decryption,
    digests,
    identifiers,
    pictures,
    qr_codes,
    whatsapp_tools,
)
from warest.http.session_choice import SessionChoice
from warest.http.studio import Studio
from warest.spool import Spool
from warest.store import Store


def routes(
    parts: House, store: Store, files: Storage, spool: Spool, fetcher: Fetcher, others: Asker
) -> Iterator[tuple[str, Any]]:
    inputs, outputs = Inputs(fetcher), Outputs(house.open_handouts(parts.settings, files))
    studio = Studio(parts.bus, spool)
    yield "/api/v1/misc/uuid/generate", identifiers.Generate()
    yield "/api/v1/misc/uuid/validate", identifiers.Validate()
    yield "/api/v1/misc/crypto/hash", digests.Hash(inputs)
    yield "/api/v1/misc/crypto/hmac", digests.Hmac(inputs)
    yield "/api/v1/misc/base64", base64_texts.Base64(inputs, outputs)
    yield "/api/v1/misc/convert-string-toqr/{target}", qr_codes.QrCode(outputs, studio)
    yield "/api/v1/misc/media/thumbnail", pictures.MakeThumbnails(inputs, outputs, studio)
    yield "/api/v1/misc/media/image", pictures.EditImage(inputs, outputs, studio)
    choice = SessionChoice(parts.states, store)
    yield "/api/v1/misc/whatsapp/file-decrypt", decryption.DecryptFile(inputs, outputs)
    yield "/api/v1/misc/whatsapp/poll-update-vote", decryption.OpenVote(choice, store)
    tools = (parts.bus, choice, parts.settings, others)
    yield "/api/v1/misc/whatsapp/validate/phone", whatsapp_tools.ValidatePhone(*tools)
    yield "/api/v1/misc/whatsapp/validate/jid", whatsapp_tools.ValidateJid(*tools)
    yield "/api/v1/misc/whatsapp/resolve/jid-or-lid", whatsapp_tools.Resolve(*tools)
