"""What is secret and has to be kept."""

import io
import pickle
import tempfile
from collections.abc import Sequence

import pytest

from warest.errors import DriverError, KeyMissing
from warest.vault import Vault

OLD, NEW = "an old key of some length", "a new key of some length"


class Keys:
    """A list that somebody changes."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def __call__(self) -> Sequence[str]:
        return self.texts


def test_a_text_comes_back_in_its_place_only() -> None:
    vault = Vault(Keys(NEW))
    sealed = vault.seal("s3cret, ñ", "endpoints", "01A", "secrets")
    assert "s3cret" not in sealed and sealed != vault.seal("s3cret, ñ", "endpoints", "01A", "secrets")
    assert vault.open(sealed, "endpoints", "01A", "secrets") == "s3cret, ñ"
    for elsewhere in (("endpoints", "01B", "secrets"), ("endpoints", "01A", "url"), ("endpoints", "01Asecrets")):
        with pytest.raises(DriverError, match="damaged"):
            vault.open(sealed, *elsewhere)


@pytest.mark.parametrize("spoilt", ["sealed.1.", "sealed.1.zz.AA", "sealed.1.{key}.", "sealed.1.{key}.A", "{whole}x=="])
def test_what_is_damaged_is_said_to_be(spoilt: str) -> None:
    vault = Vault(Keys(NEW))
    whole = vault.seal("text", "a")
    with pytest.raises(DriverError):
        vault.open(spoilt.format(key=vault.key_id, whole=whole[:-6]), "a")


def test_what_was_clear_is_read() -> None:
    vault = Vault(Keys(NEW))
    assert vault.open('[{"secret": "x"}]', "a") == '[{"secret": "x"}]'
    assert not vault.is_current("clear") and vault.is_current(vault.seal("x", "a"))


def test_the_first_key_writes_and_all_read() -> None:
    old = Vault(Keys(OLD)).seal("text", "a")
    both = Vault(Keys(NEW, OLD))
    assert both.open(old, "a") == "text" and not both.is_current(old)
    assert Vault(Keys(NEW)).open(both.seal("text", "a"), "a") == "text"
    with pytest.raises(KeyMissing, match="WAREST_SECRETS_KEY") as error:
        Vault(Keys(NEW)).open(old, "a")
    assert old.split(".")[2] in str(error.value) and OLD not in repr(both)


def test_a_key_that_comes_later_is_found() -> None:
    """Another process has made it, and encrypts with it already."""
    keys = Keys(OLD)
    vault = Vault(keys)
    assert vault.open(vault.seal("before", "a"), "a") == "before"
    later = Vault(Keys(NEW, OLD)).seal("text", "a")
    with pytest.raises(KeyMissing):
        vault.open(later, "a")
    keys.texts = (NEW, OLD)
    assert vault.open(later, "a") == "text"
    assert vault.is_current(vault.seal("after", "a")) and vault.key_id == later.split(".")[2]


def test_files_are_sealed_for_a_name() -> None:
    vault = Vault(Keys(NEW, OLD))
    with tempfile.TemporaryFile() as file:
        vault.seal_file([b"abc" * 50_000], file, "session/01A")
        file.seek(0)
        assert vault.is_current_file(file) and not Vault(Keys(OLD, NEW)).is_current_file(file)
        assert b"".join(Vault(Keys(OLD, NEW)).open_file(file, "session/01A")) == b"abc" * 50_000
        file.seek(0)
        with pytest.raises(DriverError):
            list(vault.open_file(file, "session/01B"))
        file.seek(0)
        with pytest.raises(KeyMissing):
            list(Vault(Keys(OLD)).open_file(file, "session/01A"))
    assert not vault.is_current_file(io.BytesIO(b"short"))


def test_without_keys_texts_stay_as_they_are() -> None:
    assert Vault().seal("text", "a") == "text" and Vault().is_current("text")
    with pytest.raises(KeyMissing):
        Vault().open(Vault(Keys(OLD)).seal("text", "a"), "a")


def test_it_travels_to_another_process() -> None:
    vault = Vault(_keys)
    sealed = vault.seal("text", "a")
    assert pickle.loads(pickle.dumps(vault)).open(sealed, "a") == "text"


def _keys() -> Sequence[str]:
    return (NEW,)
