"""What somebody's death left half done in Asterisk's files is put right by the next engine, as soon as it can be."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from engine.app import interrupted
from engine.app.changes import Changes
from engine.app.control import asterisk_settings
from engine.app.interrupted import agree, put_back
from engine.config import apply, last_good
from engine.config.apply import NAMES, AsteriskFiles
from engine.config.render import FOLDER, PJSIP, base_files, directory_files
from engine.domain.directory import EMPTY
from engine.errors import BadFile, DatabaseAway, DatabaseMismatch, StandardisteError, Unavailable
from engine.settings import AsteriskSettings, Settings
from tests.calls.room import agent, directory, trunk
from tests.config.fake_asterisk import FakeAsterisk

ARI = cast("Any", None)  # nothing asks by it: the fake is put in its place
GOOD, NEW = directory(agent("alice"), trunk("paris-1")), directory(agent("alice"), agent("bruno"), trunk("paris-1"))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "READ_BACK_S", 0.05)
    monkeypatch.setattr(apply, "READ_BACK_EVERY_S", 0.01)
    monkeypatch.setattr(interrupted, "AGAIN_S", 0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", asterisk=AsteriskSettings(config_dir=tmp_path / "etc"))


@pytest.fixture
def asterisk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeAsterisk:
    """One that runs with GOOD."""
    etc, known = settings.asterisk.config_dir, asterisk_settings(settings, "secret")
    last_good.write_files(etc, base_files(known) | directory_files(GOOD, known))
    fake = FakeAsterisk(etc)
    fake.start()
    monkeypatch.setattr(interrupted, "Control", lambda ari: fake)
    return fake


def interrupt(settings: Settings) -> None:
    """Somebody wrote NEW, and died before Asterisk was told."""
    home, files = settings.asterisk.config_dir / FOLDER, directory_files(NEW, asterisk_settings(settings, "secret"))
    last_good.save(home, NAMES)
    last_good.write_files(home, {name.removeprefix(f"{FOLDER}/"): text for name, text in files.items()})


async def until_logged(logs: Any, name: str) -> None:
    async with asyncio.timeout(30):
        while name not in [line["event"] for line in logs]:  # noqa: ASYNC110 - bounded
            await asyncio.sleep(0.005)


# -- files -------------------------------------------------------------------------------------------------------------


async def test_where_nothing_was_ever_written_nothing_is_asked(settings: Settings) -> None:
    await asyncio.wait_for(put_back(settings, "secret", ARI), 1)


async def test_files_in_order_are_left_alone(settings: Settings, asterisk: FakeAsterisk) -> None:
    before = (settings.asterisk.config_dir / PJSIP).read_text()
    await put_back(settings, "secret", ARI)
    assert ((settings.asterisk.config_dir / PJSIP).read_text(), asterisk.reloads) == (before, [])


async def test_an_interrupted_change_is_undone(settings: Settings, asterisk: FakeAsterisk) -> None:
    before = (settings.asterisk.config_dir / PJSIP).read_text()
    interrupt(settings)
    assert (settings.asterisk.config_dir / PJSIP).read_text() != before
    with capture_logs() as logs:
        await put_back(settings, "secret", ARI)
    assert (settings.asterisk.config_dir / PJSIP).read_text() == before
    assert "res_pjsip.so" in asterisk.reloads
    assert [line["event"] for line in logs] == ["config.put_back"]
    assert not last_good.is_pending(settings.asterisk.config_dir / FOLDER)


async def test_it_waits_for_an_asterisk_that_cannot_be_asked_yet(settings: Settings, asterisk: FakeAsterisk) -> None:
    interrupt(settings)
    asterisk.away = True
    with capture_logs() as logs:
        putting = asyncio.create_task(put_back(settings, "secret", ARI))
        await until_logged(logs, "config.not_put_back")
        assert last_good.is_pending(settings.asterisk.config_dir / FOLDER)
        asterisk.away = False
        await asyncio.wait_for(putting, 5)
    assert not last_good.is_pending(settings.asterisk.config_dir / FOLDER)


async def test_a_disk_that_cannot_be_read_is_tried_again(
    settings: Settings, asterisk: FakeAsterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[Exception] = [OSError("the disk is full"), BadFile("damaged")]

    async def recover(self: AsteriskFiles) -> bool:
        if failures:
            raise failures.pop()
        return False

    monkeypatch.setattr(AsteriskFiles, "recover", recover)
    await asyncio.wait_for(put_back(settings, "secret", ARI), 5)
    assert failures == []


# -- agreement with PostgreSQL -----------------------------------------------------------------------------------------


class Scripted:
    """Changes that answer as told, one after the other."""

    def __init__(self, *answers: Any, changed: tuple[str, ...] = ()) -> None:
        self.answers, self.changed, self.enforced = list(answers), changed, 0

    async def current(self) -> Any:
        return self._next()

    async def enforce(self) -> Any:
        self.enforced += 1
        self._next()
        return SimpleNamespace(asterisk=SimpleNamespace(changed=self.changed))

    def _next(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def agreed(scripted: Scripted) -> list[str]:
    with capture_logs() as logs:
        await asyncio.wait_for(agree(cast("Changes", scripted)), 5)
    return [line["event"] for line in logs if line["log_level"] != "debug"]


async def test_an_engine_without_a_directory_touches_nothing() -> None:
    scripted = Scripted(EMPTY)
    assert (await agreed(scripted), scripted.enforced) == ([], 0)


async def test_agreement_is_silent() -> None:
    assert await agreed(Scripted(GOOD, None)) == []


async def test_what_differs_is_brought_back_and_said() -> None:
    assert await agreed(Scripted(GOOD, None, changed=("pjsip.conf",))) == ["config.brought_back"]


Away = Callable[[str], StandardisteError]


@pytest.mark.parametrize("away", [DatabaseAway, DatabaseMismatch, Unavailable])
async def test_it_waits_until_both_can_be_asked(away: Away) -> None:
    scripted = Scripted(away("not yet"), GOOD, away("not yet"), GOOD, None)
    assert (await agreed(scripted), scripted.answers) == ([], [])


@pytest.mark.parametrize("failure", [BadFile("a directory that cannot be rendered"), OSError("the disk is full")])
async def test_what_waiting_does_not_mend_is_said_once(failure: Exception) -> None:
    assert await agreed(Scripted(GOOD, failure)) == ["config.not_as_the_directory"]
