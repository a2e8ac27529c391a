"""Pictures that callers of the API want made: thumbnails, and pictures in other formats and sizes.

Bytes come and go through the spool. Whoever orders deletes both what he has put in and what he gets; what he does not
wait for goes when its time is over.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import dramatiq

from warest import keys
from warest.bus import answered, refused
from warest.config import media_settings
from warest.config.house import House
from warest.errors import WarestError
from warest.spool import Spool

if TYPE_CHECKING:
    from warest.media.editing import Made


class Pictures:
    def __init__(self, house: House, spool: Spool) -> None:
        self._spool = spool
        self._tools = media_settings.tools_of(house.settings)

    def thumbnails(
        self, file: str, kind: Literal["image", "video"], width: int, height: int, count: int
    ) -> list[dict[str, Any]]:
        from warest.media import editing  # only where it is needed: other processes should not pay for Pillow

        with self._taken(file) as (source, folder):
            made = editing.thumbnails(kind, source, width, height, count, folder, self._tools)
            return [self._told(one) for one in made]

    def edited(self, file: str, actions: dict[str, Any]) -> dict[str, Any]:
        from warest.media import editing

        with self._taken(file) as (source, folder):
            return self._told(editing.edited(source, actions, folder))

    @contextmanager
    def _taken(self, key: str) -> Iterator[tuple[Path, Path]]:
        """A file of the spool as a file of this host, and an empty folder; both are gone afterwards."""
        with TemporaryDirectory(prefix="warest-") as there:
            source, folder = Path(there, "source"), Path(there, "made")
            folder.mkdir()
            self._spool.copy(key, source)
            yield source, folder

    def _told(self, made: "Made") -> dict[str, Any]:
        """`file` is its key in the spool."""
        with made.path.open("rb") as content:
            key = self._spool.put(content, mime_type=made.mimetype)
        return {
            "file": key,
            "mimetype": made.mimetype,
            "format": made.format,
            "width": made.width,
            "height": made.height,
            "size": made.size,
            "converted": made.converted,
            "resized": made.resized,
            "compressed": made.compressed,
        }


def declare(house: House, spool: Spool) -> None:
    """The actors that make pictures."""
    work = Pictures(house, spool)

    @dramatiq.actor(queue_name=keys.MEDIA_QUEUE, broker=house.broker, store_results=True)
    def thumbnails(file: str, kind: Literal["image", "video"], width: int, height: int, count: int) -> dict[str, Any]:
        """Run twice, or died half-way and run again, it makes files that nobody asks for, and that expire."""
        return _answer(lambda: work.thumbnails(file, kind, width, height, count))

    @dramatiq.actor(queue_name=keys.MEDIA_QUEUE, broker=house.broker, store_results=True)
    def edit_image(file: str, actions: dict[str, Any]) -> dict[str, Any]:
        """Run twice, likewise."""
        return _answer(lambda: work.edited(file, actions))


def _answer(make: Callable[[], Any]) -> dict[str, Any]:
    try:
        return answered(make())
    except WarestError as error:
        return refused(error)
