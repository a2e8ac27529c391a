"""The addresses that local storage gives its files: private ones by signed links, public ones by their key.

Facts: contract, data.md section 4 (links) and endpoints.md section 2 (public files). S3 serves its files itself.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import falcon

from warest.config.settings import Settings
from warest.drivers.storage import Storage, Stored, clean
from warest.errors import InvalidInput, NotAllowed, NotFound
from warest.http import files
from warest.http.codes import Code
from warest.http.errors import Family, Refusal
from warest.http.gate import Gate
from warest.http.operation import Access, Bytes, Content, Parameters, Word, operation


class Link(Parameters):
    """What a signed link carries."""

    key: Word = None
    visibility: Word = None
    expires: Word = None
    token: Word = None
    scope: Word = None
    download: Word = None


class PrivateFiles:
    """/storage/private: who has a link needs no key. A wrong one is a guess; one that has expired was right once."""

    def __init__(self, storage: Storage, gate: Gate) -> None:
        self._storage = storage
        self._gate = gate

    @operation(
        "Fetch a private file by a signed link",
        family=Family.E1,
        access=Access.PUBLIC,
        parameters=Link,
        result=Content,
        codes=(Code.FORBIDDEN, Code.MEDIA_NOT_FOUND),
    )
    def on_get(self, request: falcon.Request, parameters: Link) -> Bytes:
        try:
            grant = self._storage.grant(parameters.model_dump(exclude_none=True))
        except NotAllowed as error:
            if error.details["reason"] == "invalid":
                self._gate.count_guess(request)
            raise
        stored = _known(self._storage, grant.key)
        return files.answer(request, self._storage, stored, cache="private, no-store", download=grant.download)


class PublicFiles:
    """/storages/{key}"""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @operation(
        "Fetch a public file",
        family=Family.E1,
        access=Access.PUBLIC,
        result=Content,
        codes=(Code.MEDIA_NOT_FOUND,),
    )
    def on_get(self, request: falcon.Request, parameters: Parameters, key: str) -> Bytes:
        stored = _known(self._storage, key)
        if stored.visibility != "public":
            raise _no_file()
        return files.answer(request, self._storage, stored, cache="public, max-age=86400")


def routes(settings: Settings, storage: Storage, gate: Gate) -> Iterator[tuple[str, Any]]:
    """Where the links lead to: the settings may say a path, or a URL that a proxy in front of us serves."""
    if storage.driver != "local":
        return
    private, public = (
        urlsplit(url).path.rstrip("/") for url in (settings.storage_signed_url, settings.storage_public_url)
    )
    if private:
        yield private, PrivateFiles(storage, gate)
    if public:
        yield f"{public}/{{key:path}}", PublicFiles(storage)


def _known(storage: Storage, key: str) -> Stored:
    """Each file has one address: what would have to be mended to be a key is none."""
    try:
        if clean(key) == key:
            return storage.stat(key)
    except (InvalidInput, NotFound):
        pass
    raise _no_file()


def _no_file() -> Refusal:
    return Refusal(Code.MEDIA_NOT_FOUND, "No such file")
