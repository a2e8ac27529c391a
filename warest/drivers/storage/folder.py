"""Files below a root folder. Every step goes from an open folder into the next without following a link, so neither a
name nor a link that somebody has put there leads out."""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from warest.errors import Conflict
from warest.ids import new_ulid

#: Where files are written before they have their name; no key begins with a dot.
INCOMING = ".incoming"

#: What the kernel answers when a part of a name is not there, or is not what it should be: a folder, a plain file.
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR})

#: What it answers when a file cannot get its name because of another one.
_TAKEN = frozenset({errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENOTEMPTY})

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # not waiting: it may be a pipe
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Draft:
    """A file that has no name yet."""

    def __init__(self, folder: "Folder", name: str, file: BinaryIO) -> None:
        self.file = file
        self._folder = folder
        self._name = name

    def sync(self) -> None:
        """Its content is on disk afterwards."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def place(self, name: str) -> None:
        """Give it its name, in place of whatever had it. Raises Conflict when that cannot be a file's."""
        folder = self._folder
        try:
            with folder.holder(self._name) as (source, draft), folder.holder(name, make=True) as (target, last):
                os.replace(draft, last, src_dir_fd=source, dst_dir_fd=target)
                os.fsync(target)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            raise Conflict(f"there is a folder {name}, or a part of that name is a file") from error


class Folder:
    """Names are parts joined by `/`, none of them `..` or empty. Raises OSError: FileNotFoundError for what is absent,
    even where the kernel has another word for it."""

    def __init__(self, path: Path, *, is_public: bool = False) -> None:
        self.path = path
        self._file_mode, self._folder_mode = (0o666, 0o777) if is_public else (0o600, 0o700)

    @contextmanager
    def holder(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder in which a file lies, and the file's name there. `make`: what is missing on the way."""
        *folders, last = name.split("/")
        if make:
            self.path.mkdir(self._folder_mode, parents=True, exist_ok=True)
        here = os.open(self.path, _FOLDER)
        try:
            for each in folders:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(each, self._folder_mode, dir_fd=here)
                inside = os.open(each, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = inside
            yield here, last
        finally:
            os.close(here)

    def open(self, name: str) -> BinaryIO:
        """Raises FileNotFoundError for what is not a plain file, too."""
        with _absent_is_not_found(), self.holder(name) as (here, last):
            file = os.fdopen(os.open(last, _READ, dir_fd=here), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise FileNotFoundError(name)
        return file

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """A new file to write; it is gone at the end unless it was placed."""
        name = f"{INCOMING}/{new_ulid()}"
        with self.holder(name, make=True) as (here, last):
            file = os.fdopen(os.open(last, _WRITE, self._file_mode, dir_fd=here), "wb")
        try:
            with file:
                yield Draft(self, name, file)
        finally:
            self._unlink(name)

    def remove(self, name: str) -> bool:
        """Whether it was there; folders that are empty now go too."""
        was_there = self._unlink(name)
        while was_there and "/" in name:
            name = name.rpartition("/")[0]
            try:
                with self.holder(name) as (here, last):
                    os.rmdir(last, dir_fd=here)
            except OSError:
                break
        return was_there

    def walk(self, prefix: str = "", after: str = "", folder: str = "") -> Iterator[str]:
        """The names of all files below that begin with `prefix`, those past `after`, in their order."""
        for name in self._listed(folder):
            is_folder = name.endswith("/")
            if not (name.startswith(prefix) or (is_folder and prefix.startswith(name))):
                continue
            if is_folder and (name > after or after.startswith(name)):
                yield from self.walk(prefix, after, name)
            elif not is_folder and name > after:
                yield name

    def tidy(self, older_than: float) -> int:
        """Remove drafts of writers that died: untouched for so many seconds."""
        latest, removed = time.time() - older_than, 0
        with contextlib.suppress(FileNotFoundError), _absent_is_not_found(), self.holder(f"{INCOMING}/x") as (here, _):
            for name in os.listdir(here):
                with contextlib.suppress(FileNotFoundError):  # it has been placed, or somebody else tidies
                    if os.stat(name, dir_fd=here, follow_symlinks=False).st_mtime <= latest:
                        os.unlink(name, dir_fd=here)
                        removed += 1
        return removed

    def _listed(self, folder: str) -> list[str]:
        """What lies in a folder, by full name, folders with a `/` at their end; in the order of all names below."""
        try:
            with _absent_is_not_found(), self.holder(f"{folder}x") as (here, _), os.scandir(here) as entries:
                return sorted(
                    f"{folder}{entry.name}{'/' if entry.is_dir(follow_symlinks=False) else ''}"
                    for entry in entries
                    if not entry.name.startswith(".") and not entry.is_symlink()
                )
        except FileNotFoundError:
            return []

    def _unlink(self, name: str) -> bool:
        try:
            with _absent_is_not_found(), self.holder(name) as (here, last):
                os.unlink(last, dir_fd=here)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def _absent_is_not_found() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _ABSENT:
            raise FileNotFoundError(*error.args) from error
        raise
