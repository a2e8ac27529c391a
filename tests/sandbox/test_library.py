"""The library as a file and as memory, and the protobuf modules without it. Each in a process of its own."""

import subprocess
import sys
import textwrap

import pytest

from warest.errors import SetupError
from warest.whatsapp import library


def run(code: str) -> str:
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert child.returncode == 0, child.stderr
    return child.stdout.strip()


def test_the_installed_library_is_the_known_one() -> None:
    library.verify()


def test_another_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "SHA256", "0" * 64)
    with pytest.raises(SetupError, match=r"pip install --force-reinstall neonize==0\.5\.2"):
        library.verify.__wrapped__()


def test_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(SetupError, match="aarch64"):
        library.verify.__wrapped__()


def test_the_token_dictionaries_are_read() -> None:
    tokens = library.read_tokens()
    assert (len(tokens.single), [len(table) for table in tokens.double]) == (236, [256] * 4)
    assert tokens.single[:4] == ("", "xmlstreamstart", "xmlstreamend", "s.whatsapp.net")
    assert [table[0] for table in tokens.double] == ["read-self", "reject", "64", "1724"]
    assert library.Tokens.from_json(tokens.to_json()) == tokens


def test_the_noise_root_is_swapped_once() -> None:
    out = run("""
        import os
        from warest.errors import SetupError
        from warest.whatsapp import library, protos

        def swap():
            try:
                library.swap_noise_root(bytes(range(32)))
            except SetupError as error:
                return str(error)

        before = swap()
        protos.load_engine()
        loaded, again = swap(), swap()
        assert "found 0 times" in before and "import neonize first" in before, before
        assert loaded is None, loaded
        assert "found 0 times" in again, again
        print("fine", flush=True)
        os._exit(0)
    """)
    assert out.endswith("fine")


def test_the_names_of_app_state_are_mended_once_or_not_at_all() -> None:
    """Nothing is written unless everything is as it is known: not twice, and not where a byte is another."""
    out = run("""
        import ctypes, os
        from warest.whatsapp import fixes, library, protos

        assert not fixes.mend_app_state()  # The library is not loaded.
        protos.load_engine()
        place, known = library._base() + library._PATCH_NAMES, library._PATCH_NAMES_BEFORE

        def read():
            return ctypes.string_at(place, len(known))

        library._PATCH_NAMES_BEFORE = known[:-1] + bytes(1)
        assert not fixes.mend_app_state() and read() == known
        library._PATCH_NAMES_BEFORE = known
        library._PATCH_CASES, cases = ((3, b"regular_log", 0x91B4AD), *library._PATCH_CASES[1:]), library._PATCH_CASES
        assert not fixes.mend_app_state() and read() == known
        library._PATCH_CASES = cases
        assert fixes.mend_app_state() and read() != known
        after = read()
        assert not fixes.mend_app_state() and read() == after
        print("fine", flush=True)
        os._exit(0)
    """)
    assert out.endswith("fine")


def test_the_removal_of_pictures_is_mended_once_or_not_at_all() -> None:
    """One byte, and only where all around it is as it is known."""
    out = run("""
        import ctypes, os
        from warest.whatsapp import fixes, library, protos

        assert not fixes.mend_removal()  # The library is not loaded.
        protos.load_engine()
        place, known = library._base() + library._NO_PICTURE, library._NO_PICTURE_BEFORE

        def read():
            return ctypes.string_at(place, len(known))

        library._NO_PICTURE_BEFORE = known[:-1] + bytes([1])
        assert not fixes.mend_removal() and read() == known
        library._NO_PICTURE_BEFORE = known
        assert fixes.mend_removal()
        assert [at for at, (old, new) in enumerate(zip(known, read())) if old != new] == [10]
        assert not fixes.mend_removal() and read() == library._NO_PICTURE_AFTER
        print("fine", flush=True)
        os._exit(0)
    """)
    assert out.endswith("fine")


def test_a_root_has_32_bytes() -> None:
    with pytest.raises(SetupError, match="32 bytes"):
        library.swap_noise_root(b"short")


def test_protobufs_come_without_the_library_and_stay_when_it_is_loaded() -> None:
    out = run("""
        import os
        from pathlib import Path
        from warest.whatsapp import library, protos

        def loaded():
            return library.NAME in Path("/proc/self/maps").read_text()

        protos.preload()
        message = protos.e2e.Message
        assert not loaded()
        assert library.path().exists()  # Found beside the stub, too.
        child = os.fork()  # As the fork server does: before the library is loaded.
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        engine = protos.load_engine()
        assert loaded()
        assert protos.load_engine() is engine
        from neonize.client import NewClient
        from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
        import neonize.proto.Neonize_pb2
        assert engine.NewClient is NewClient
        assert Message is message is protos.e2e.Message
        assert neonize.proto.Neonize_pb2 is protos.engine
        print("fine", flush=True)
        os._exit(0)
    """)
    assert out.endswith("fine")


def test_a_real_import_comes_first() -> None:
    out = run("""
        import os, pylibmagic, neonize
        from warest.whatsapp import protos
        from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
        assert protos.e2e.Message is Message
        assert protos.load_engine() is neonize
        print("fine", flush=True)
        os._exit(0)
    """)
    assert out.endswith("fine")
