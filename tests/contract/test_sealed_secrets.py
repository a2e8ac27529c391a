"""Secrets of endpoints, as the database has them."""

import re

import pytest
from click.testing import CliRunner, Result

from support import databases
from warest import accounts, store
from warest.cli import db
from warest.cli import vault as cli
from warest.errors import Conflict
from warest.store import Account, Store
from warest.vault import Vault

OLD, NEW = "an old key of some length", "a new key of some length"


@pytest.fixture
def opened(database: store.Database) -> Store:
    store.migrate(database)
    return at(database, OLD)


def at(database: store.Database, *keys: str) -> Store:
    return store.open(database, Vault(lambda: keys))


def kept(database: store.Database) -> list[str]:
    return [text for (text,) in databases.execute(database, "select secrets from endpoints order by id")]


def test_no_secret_is_there_to_be_read(database: store.Database, opened: Store, admin: Account, session: str) -> None:
    """However it came, and those that sign on for a time."""
    made = opened.endpoints.create(admin, None, url="http://r/", secret="first-secret")
    opened.endpoints.change(admin, session, secret="of-the-config")
    opened.endpoints.change(admin, made.id, secret="second-secret")
    rotated = opened.endpoints.rotate(admin, made.id, "third-secret", overlap=60)
    assert [each.secret for each in rotated.secrets] == ["third-secret", "second-secret"]
    for text in kept(database):
        assert text.startswith("sealed.1.") and "secret" not in text and "whsec" not in text
    assert [each.secrets for each in opened.endpoints.of(admin)] == [
        opened.endpoints.of_config(session).secrets, rotated.secrets,
    ]  # fmt: skip


def test_one_does_not_stand_in_for_another(
    database: store.Database, opened: Store, admin: Account, session: str
) -> None:
    """Whoever can write into the database cannot give an endpoint the secrets of another one."""
    opened.endpoints.create(admin, None, url="http://r/", secret="a-secret")
    first, second = kept(database)
    databases.execute(database, f"update endpoints set secrets = '{first}'")
    assert second != first
    assert sorted(each.reason for each in opened.endpoints.of(admin)) == ["", "locked"]


def test_one_that_cannot_be_read_is_disabled(
    database: store.Database, opened: Store, admin: Account, session: str
) -> None:
    """The others go on. A new secret does not slip into its place, but it can be rotated."""
    lost = opened.endpoints.create(admin, session, url="http://r/", secret="a-secret")
    later = at(database, NEW)
    fine = later.endpoints.create(admin, session, url="http://s/", secret="b-secret")
    _, shown, other = later.endpoints.of_session(session)
    assert (shown.state, shown.reason, shown.secrets, shown.url) == ("disabled", "locked", (), "http://r/")
    assert (other.id, other.state, other.secret) == (fine.id, "enabled", "b-secret")
    with pytest.raises(Conflict, match="WAREST_SECRETS_KEY"):
        later.endpoints.change(admin, lost.id, secret="c-secret")
    assert later.endpoints.change(admin, lost.id, url="http://t/").secrets == ()
    both = at(database, NEW, OLD).endpoints.get(admin, lost.id)
    assert both and (both.secret, both.state, both.url) == ("a-secret", "enabled", "http://t/")
    assert later.endpoints.rotate(admin, lost.id, "d-secret", overlap=60).secret == "d-secret"


def test_what_was_clear_is_sealed(database: store.Database, opened: Store, admin: Account, session: str) -> None:
    """As an older release has left it; and what another key has sealed. What cannot be read stays as it is."""
    clear = store.open(database)
    former = clear.endpoints.create(admin, session, url="http://r/", secret="clear-secret")
    opened.endpoints.create(admin, None, url="http://r/", secret="old-secret")
    at(database, "a lost key, long gone").endpoints.create(admin, None, url="http://r/", secret="lost-secret")
    both = at(database, NEW, OLD)
    assert "clear-secret" in "".join(kept(database))
    found = both.endpoints.get(admin, former.id)
    assert found and found.secret == "clear-secret"
    assert both.endpoints.reseal() == (3, 1)
    assert both.endpoints.reseal() == (0, 1)
    assert "clear-secret" not in "".join(kept(database))
    assert {each.secret for each in at(database, NEW).endpoints.of(admin)} == {"clear-secret", "old-secret", ""}
    assert len(kept(database)) == 4


class TestCommand:
    """`warest secrets`"""

    @pytest.fixture(autouse=True)
    def _meant(self, meant: None) -> None:
        pass

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli.secrets, arguments)

    def test_rotating(self, database: store.Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """A new key each time, the old ones stay; what they sealed is sealed anew."""
        store.migrate(database)
        clear = store.open(database)
        accounts.seed_admin(clear, "boss", "a password", "the key")
        clear.create_session(Account("admin", "boss", True), "session")
        first, again, rotated = self.run("seal"), self.run("seal"), self.run("rotate")
        assert "1 webhook endpoints and proxies, 0 stopped" in first.output and "0 webhook endpoints" in again.output
        assert "1 webhook endpoints" in rotated.output and rotated.exit_code == 0
        names = [re.findall(r"newest key is (\w{16})\.", each.output) for each in (first, again, rotated)]
        assert names[0] == names[1] != names[2]
        monkeypatch.setenv("WAREST_SECRETS_KEY", NEW)
        refused = self.run("rotate")
        assert refused.exit_code == 1 and "openssl rand" in str(refused.exception)
        assert "1 webhook endpoints" in self.run("seal").output

    def test_migrating_seals(self, database: store.Database) -> None:
        """What an older release has left, at the next start."""
        store.migrate(database)
        clear = store.open(database)
        accounts.seed_admin(clear, "boss", "a password", "the key")
        clear.create_session(Account("admin", "boss", True), "session")
        assert not kept(database)[0].startswith("sealed")
        assert CliRunner().invoke(db.db, ["migrate"]).exit_code == 0
        assert kept(database)[0].startswith("sealed")

    def test_a_lost_key(self, database: store.Database) -> None:
        """What to do is said, and the exit status tells."""
        store.migrate(database)
        opened = at(database, "a lost key, long gone")
        accounts.seed_admin(opened, "boss", "a password", "the key")
        opened.create_session(Account("admin", "boss", True), "session")
        told = self.run("seal")
        assert told.exit_code == 1 and "1 endpoints or proxies and 0 sessions cannot be read" in told.output
        assert "rotate the secrets" in told.output
