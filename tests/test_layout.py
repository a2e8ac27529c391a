"""The house stays as it was drawn: imports point one way, heavy libraries have one owner, packages are listed."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: A module imports from its own row or one above; the first that fits a module's name counts.
ROWS = (
    ("errors", "ids"),
    (
        "action_commands", "addresses", "bulkheads", "buttons", "client", "command_words", "commands",
        "contact_commands", "encrypted_media", "events", "file_headers", "group_commands", "keyring", "keys",
        "lifecycle", "loose", "machine", "media", "meters", "mirroring", "numbers", "pages", "pictures", "places",
        "polls", "presence_words", "profile_commands", "proxies", "scopes", "texts", "traces", "vcards",
        "webhooks",
    ),
    (
        "broker", "circuits", "drivers", "whatsapp", "entities", "fetch", "followers", "lanes", "leases", "limits",
        "logins", "pacing", "proxy_pool", "restarts", "states", "vault", "vitals",
    ),
    (
        "annals", "chronicle", "group_annals", "store", "bus", "spool", "accounts", "destinations", "farewell",
        "handouts", "lookups", "moving", "original_import", "original_rows", "outlets", "own_annals", "recalled",
        "receivers", "sandbox", "sources",
    ),
    ("config", "reactions"),
    ("actors", "http"),
    ("cli",),
)  # fmt: skip

#: The only modules that may import a heavy library.
OWNERS = {
    "falcon": ("http",),
    "neonize": ("whatsapp",),
    "pony": ("entities", "store"),
    "dramatiq": ("broker", "bus", "actors", "cli", "config.house"),
    "httpx": ("fetch", "client"),
    "httpcore": ("fetch",),
    "websockets": ("sandbox",),
    "segno": ("pictures",),
    "prometheus_client": ("http.resources.metrics",),
    "babel": ("http.times", "config.kinds"),
    "PIL": ("media",),
    "imageio_ffmpeg": ("media",),
    "psycopg2": ("store.postgres", "whatsapp.keystores"),
    "pymysql": ("store.mysql", "store.mysql_migrations"),
    "minio": ("drivers.storage.s3",),
    "pymemcache": ("drivers.cache.memcached",),
    "sentry_sdk": ("config.sentry",),
    "pymongo": ("drivers.cache.mongodb",),
}

#: Neighbours in one row that must not know each other.
STRANGERS = (("actors", "http"),)


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the product by its name below `warest`, through the links as they are imported."""
    for file in _files(ROOT / "warest"):
        name = ".".join(file.relative_to(ROOT / "warest").with_suffix("").parts)
        yield name.removesuffix(".__init__"), ast.parse(file.read_text())


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name not in ("__pycache__", "migrations"):  # yoyo's, not modules
            yield from _files(entry)
        elif entry.suffix == ".py":
            yield entry


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of all that is imported, wherever in the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def row_of(name: str) -> int:
    return next((row for row, members in enumerate(ROWS) if name.split(".")[0] in members), -1)


MODULES = list(modules())


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[name for name, _ in MODULES])
def test_imports_point_to_the_rows_above(name: str, tree: ast.Module) -> None:
    """A module imports only from its own row or from those above it."""
    if name == "__init__":
        return
    assert row_of(name) >= 0, f"warest.{name} stands in no row"
    for target in imported(tree):
        if target.startswith("warest."):
            inside = target.removeprefix("warest.")
            assert row_of(inside) <= row_of(name), f"warest.{name} imports {target}"
            assert (name.split(".")[0], inside.split(".")[0]) not in {*STRANGERS, *(pair[::-1] for pair in STRANGERS)}


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[name for name, _ in MODULES])
def test_heavy_libraries_have_one_owner(name: str, tree: ast.Module) -> None:
    """Falcon is the web's, neonize the engine room's, and so on."""
    for target in imported(tree):
        owners = OWNERS.get(target.split(".")[0])
        assert owners is None or any(name == owner or name.startswith(f"{owner}.") for owner in owners), target


def test_every_package_is_listed_for_builds() -> None:
    """pyproject names each package, and each name is a package."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    holding_code = {file.parent.relative_to(ROOT) for file in _files(ROOT / "warest")}
    assert {*listed} == {".".join(folder.parts) for folder in holding_code}


def test_the_outer_rooms_are_links_and_never_hide_a_standard_module() -> None:
    """`http/` without an __init__.py cannot be imported as `http`."""
    for room in ("actors", "config", "http"):
        assert (ROOT / "warest" / room).is_symlink()
        assert not (ROOT / room / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_files_stay_readable() -> None:
    """A file past 400 lines is two files."""
    long = {name: len(ast.unparse(tree).splitlines()) for name, tree in MODULES}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


#: What runs a text, or bytes, as code. The loader of the migrations, yoyo, is not ours.
RUNNING = {"eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "dill"}

#: These read what their own parent process writes into a pipe that nobody else has.
FROM_THEIR_PARENT = {"actors.fork_server"}


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[name for name, _ in MODULES])
def test_no_text_becomes_code(name: str, tree: ast.Module) -> None:
    """Nobody hides a program in a text, as a module of the original does (quirk S18); nothing that comes in is run."""
    if name in FROM_THEIR_PARENT:
        return
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not RUNNING & (called | {target.split(".")[0] for target in imported(tree)})
