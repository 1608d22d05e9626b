"""`engine import` and `engine config`: a real PostgreSQL and an Asterisk that may refuse; both have it, or neither."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.app import configuring, standalone
from engine.app import database as module
from engine.app.control import asterisk_settings
from engine.app.database import database
from engine.app.importing import import_file
from engine.app.standalone import pipeline
from engine.config import apply, last_good
from engine.config.errors import ConfigRejected
from engine.config.render import PJSIP, base_files
from engine.domain.directory import EMPTY, Directory
from engine.errors import BadFile, DatabaseAway, Unavailable, UnknownThing
from engine.sections import Secret
from engine.settings import AsteriskSettings, PostgresSettings, Settings
from tests.config.fake_asterisk import FakeAsterisk
from tests.store.conftest import empty_dsn, postgres

__all__ = ["empty_dsn", "postgres"]

FILE = """
sites: {paris: {name: Paris, extensions: 2000-2009}}
trunks: {paris-1: {site: paris, kind: peer, host: 192.0.2.10}}
agents: {marie: {name: Marie, site: paris}}
"""


class Nobody:
    """No telephone is registered."""

    async def registrations(self, accounts: Collection[str]) -> list[str]:
        return []

    async def drop(self, registrations: Collection[str]) -> None:
        assert not registrations


class Desk:
    """An operator's: a file, settings, and what was said."""

    def __init__(self, settings: Settings, dsn: str, file: Path, asterisk: FakeAsterisk) -> None:
        self.settings, self.dsn, self.file, self.asterisk = settings, dsn, file, asterisk
        self.said: list[str] = []

    async def imports(self, text: str = FILE, *, dry_run: bool = False) -> Directory:
        self.file.write_text(text)
        self.said.clear()
        return await import_file(
            self.settings, self.dsn, self.file, dry_run=dry_run, author="test", say=self.said.append
        )

    async def asks(self, what: Any, *given: Any, **more: Any) -> Any:
        """One of `engine config`'s words."""
        self.said.clear()
        async with pipeline(self.settings, self.dsn) as opened:
            return await what(opened, *given, say=self.said.append, **more)

    async def stored(self) -> Directory:
        async with pipeline(self.settings, self.dsn) as opened:
            return await opened.changes.current()

    @property
    def pjsip(self) -> str:
        return (self.settings.asterisk.config_dir / PJSIP).read_text()


@pytest.fixture
def desk(tmp_path: Path, empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    settings = Settings(state_dir=tmp_path / "state", asterisk=AsteriskSettings(config_dir=tmp_path / "etc"))
    settings.state_dir.mkdir()
    last_good.write_files(settings.asterisk.config_dir, base_files(asterisk_settings(settings, "secret")))
    fake = FakeAsterisk(settings.asterisk.config_dir)
    fake.start()
    monkeypatch.setattr(standalone, "Control", lambda requests: fake)
    monkeypatch.setattr(standalone, "AsteriskPhones", lambda requests: Nobody())
    monkeypatch.setattr(apply, "READ_BACK_S", 0.05)
    monkeypatch.setattr(apply, "READ_BACK_EVERY_S", 0.01)
    return Desk(settings, empty_dsn, tmp_path / "directory.yaml", fake)


# -- import ------------------------------------------------------------------------------------------------------------


async def test_a_plan_changes_nothing(desk: Desk) -> None:
    before = desk.pjsip
    assert await desk.imports(dry_run=True) == EMPTY
    assert any("marie" in line for line in desk.said)
    assert (desk.pjsip, desk.asterisk.reloads, await desk.stored()) == (before, [], EMPTY)


async def test_a_calendar_that_is_doubtful_is_told_beside_the_plan(desk: Desk) -> None:
    await desk.imports(FILE + 'calendars: {attic: {name: Attic, site: paris, hours: "off"}}', dry_run=True)
    assert desk.said[1:] == ["doubtful: calendar attic: `off` is not open once in the coming year"]


async def test_an_import_is_everywhere_and_a_second_changes_nothing(desk: Desk) -> None:
    imported = await desk.imports()
    assert (imported.revision, set(imported.agents)) == (1, {"marie"})
    assert await desk.stored() == imported
    assert imported.agents[next(iter(imported.agents))].sip_user in desk.pjsip
    assert desk.said[-1] == "directory: revision 1"
    reloads = list(desk.asterisk.reloads)
    again = await desk.imports()
    assert again.agents == imported.agents  # no new secret, no new extension
    assert desk.asterisk.reloads == reloads
    assert "Asterisk: nothing to change" in desk.said


GROUPS = """
groups: {sales: {name: Sales, site: paris, members: [marie]}}
numbers: {+33140000001: {trunk: paris-1, target: {group: sales}}}
dispositions: {sale: {label_fr: Vente, label_en: Sale}}
"""


async def test_groups_and_numbers_are_imported_and_what_they_need_stays(desk: Desk) -> None:
    imported = await desk.imports(FILE + GROUPS)
    assert (await desk.stored(), list(desk.asterisk.queues.values())) == (imported, [frozenset(_members(imported))])
    assert "+ number +33140000001" in desk.said[0]
    assert await desk.imports(FILE + GROUPS) == imported
    with pytest.raises(BadFile) as refused:
        await desk.imports("complete: yes" + FILE.replace("marie", "paul") + GROUPS)
    assert ":6:53: group sales: members: there is no agent 'marie'" in refused.value.message
    assert await desk.stored() == imported
    await desk.imports("complete: yes" + FILE)
    assert (await desk.stored()).groups == {}
    assert desk.asterisk.queues == {}


def _members(directory: Directory) -> list[str]:
    return [f"PJSIP/{agent.sip_user}" for agent in directory.agents.values()]


async def test_what_asterisk_does_not_take_is_nowhere(desk: Desk) -> None:
    await desk.imports()
    before, stored = desk.pjsip, await desk.stored()
    desk.asterisk.takes = lambda section: None if "paul" in section.name else section
    with pytest.raises(ConfigRejected):
        await desk.imports(FILE.replace("{marie: ", "{paul: {name: Paul, site: paris}, marie: "))
    assert (desk.pjsip, await desk.stored()) == (before, stored)


async def test_every_mistake_of_a_file_is_told_at_once(desk: Desk) -> None:
    with pytest.raises(BadFile) as bad:
        await desk.imports(FILE.replace("kind: peer", "kind: pear").replace("name: Marie", "nome: Marie"))
    assert len(bad.value.message.splitlines()) >= 2
    assert await desk.stored() == EMPTY


async def test_without_postgresql_nothing_is_changed(desk: Desk) -> None:
    before, desk.dsn = desk.pjsip, "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(DatabaseAway):
        await desk.imports()
    assert desk.pjsip == before


# -- config ------------------------------------------------------------------------------------------------------------


async def test_files_changed_by_hand_are_shown_and_put_right(desk: Desk) -> None:
    await desk.imports()
    good = desk.pjsip
    assert not await desk.asks(configuring.plan)
    assert desk.said == ["revision 1: nothing to change"]
    (desk.settings.asterisk.config_dir / PJSIP).write_text(good.replace("192.0.2.10", "192.0.2.66"))
    assert await desk.asks(configuring.plan)
    assert any("192.0.2.66" in line for line in desk.said)
    assert await desk.asks(configuring.apply)
    assert (desk.pjsip, desk.said[-1]) == (good, "revision 1: Asterisk has all of it")


async def test_an_asterisk_that_runs_with_something_else_is_told(desk: Desk) -> None:
    await desk.imports()
    desk.asterisk.objects.clear()
    assert await desk.asks(configuring.plan)
    assert desk.said[0].startswith("Asterisk has it otherwise")
    assert not await desk.asks(configuring.apply)  # the files are right: nothing was reloaded


async def test_history_and_rollback(desk: Desk) -> None:
    await desk.imports()
    await desk.imports(FILE.replace("{name: Marie,", "{name: Maria,"))
    await desk.asks(configuring.history)
    assert [line.split()[0] for line in desk.said] == ["2", "1"]
    assert all("import directory.yaml" in line for line in desk.said)
    await desk.asks(configuring.rollback, 1, dry_run=True, author="test")
    assert any("Marie" in line for line in desk.said)
    assert (await desk.stored()).revision == 2
    await desk.asks(configuring.rollback, 1, dry_run=False, author="test")
    now = await desk.stored()
    assert (now.revision, [found.name for found in now.agents.values()]) == (3, ["Marie"])
    assert desk.said[-1] == "directory: revision 3"
    with pytest.raises(UnknownThing):
        await desk.asks(configuring.rollback, 9, dry_run=False, author="test")


# -- where PostgreSQL is -----------------------------------------------------------------------------------------------


async def test_the_database_the_settings_name_is_the_one_used(desk: Desk) -> None:
    named = replace(desk.settings, postgres=PostgresSettings(dsn=Secret("postgresql://u:p@192.0.2.1/base")))
    async with database(named, desk.said.append) as dsn:
        assert dsn == "postgresql://u:p@192.0.2.1/base"
    assert desk.said == []


async def test_without_one_a_private_one_is_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Private:
        def __init__(self, state_dir: Path) -> None:
            assert state_dir == desk.settings.state_dir

        def used(self, say: Any, *, make: bool) -> Any:
            assert make
            raise Unavailable("no PostgreSQL on this machine")

    monkeypatch.setattr(module, "PrivatePostgres", Private)
    with pytest.raises(Unavailable):
        async with database(desk.settings, desk.said.append):
            pass
