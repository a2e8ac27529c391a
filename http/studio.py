"""Has pictures made by a worker: nothing here opens a picture that somebody has sent.

Files go there and back through the spool, and are deleted here, whatever comes of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from warest import keys
from warest.bus import Bus
from warest.errors import CommandTimeout, InvalidInput, Unsupported
from warest.http.codes import Code
from warest.http.errors import Refusal
from warest.spool import Spool

#: How long a call waits for its pictures, s.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Picture:
    """`content` can be gone through once."""

    content: Iterator[bytes]
    mimetype: str
    format: str
    width: int
    height: int
    size: int
    converted: bool
    resized: bool
    compressed: bool


class Studio:
    def __init__(self, bus: Bus, spool: Spool) -> None:
        self._bus = bus
        self._spool = spool

    @contextmanager
    def thumbnails(
        self, source: Iterable[bytes], kind: str, width: int, height: int, count: int
    ) -> Iterator[list[Picture]]:
        """Of an image or a video. Raises Refusal when it is none, or takes too long."""
        with ExitStack() as left:
            size = {"width": width, "height": height}
            made = self._made(left, source, "thumbnails", kind=kind, count=count, **size)
            yield [self._opened(left, one) for one in made]

    @contextmanager
    def edited(self, source: Iterable[bytes], actions: dict[str, Any]) -> Iterator[Picture]:
        """See media.editing. Raises Refusal."""
        with ExitStack() as left:
            yield self._opened(left, self._made(left, source, "edit_image", actions=actions))

    def _made(self, left: ExitStack, source: Iterable[bytes], actor: str, **how: Any) -> Any:
        """What the worker tells; `left` is what is to be done in the end."""
        try:
            key = self._spool.put(source, seconds=2 * PATIENCE)
            left.callback(self._spool.delete, key)
            made = self._bus.order(keys.MEDIA_QUEUE, actor, PATIENCE, file=key, **how)
        except InvalidInput as error:
            raise Refusal(Code.INVALID_PARAMETER, error.message) from None
        except Unsupported as error:
            raise Refusal(Code.SERVICE_UNAVAILABLE, error.message) from error
        except CommandTimeout:
            raise Refusal(Code.TIMEOUT, "This takes too long; try a smaller file") from None
        for one in made if isinstance(made, list) else [made]:
            left.callback(self._spool.delete, one["file"])
        return made

    def _opened(self, left: ExitStack, made: dict[str, Any]) -> Picture:
        content = left.enter_context(self._spool.open(made["file"]))
        return Picture(content=iter(content), **{name: value for name, value in made.items() if name != "file"})
