"""New files for Asterisk: taken as a whole or undone as a whole, also when the power fails in between."""

import asyncio
import contextlib
import os
from pathlib import Path

import msgspec
import pytest

from engine.config import apply, last_good
from engine.config.apply import AsteriskFiles
from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.errors import ConfigBusy, ConfigRejected, LastGoodLost
from engine.config.ini import Option, Section
from engine.config.render import EMERGENCY, FOLDER, GLOBALS, PJSIP, QUEUES, Files, base_files, directory_files
from engine.domain.directory import EMPTY
from engine.domain.values import Extension, Slug
from engine.errors import InvalidValue, Unavailable
from tests.config.directories import BOTH, FULL, MARIE
from tests.config.dying import Killed, dies_at
from tests.config.fake_asterisk import FakeAsterisk, Taken

PAUL = msgspec.structs.replace(
    MARIE, id=Slug("paul"), name="Paul", extension=Extension("2001"), sip_user="paul-22222a", secret="paul-secret-1"
)
MORE = msgspec.structs.replace(BOTH, agents={MARIE.id: MARIE, PAUL.id: PAUL})
FEWER = msgspec.structs.replace(BOTH, agents={})


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "READ_BACK_S", 0.05)
    monkeypatch.setattr(apply, "READ_BACK_EVERY_S", 0.01)


@pytest.fixture
def settings(tmp_path: Path) -> AsteriskSettings:
    paths = AsteriskPaths.under(tmp_path, modules=Path("/modules"), data=Path("/data"))
    return AsteriskSettings(paths=paths, ari_port=8088, ari_secret="a-generated-secret")


@pytest.fixture
def asterisk(settings: AsteriskSettings) -> FakeAsterisk:
    last_good.write_files(settings.paths.etc, base_files(settings))
    fake = FakeAsterisk(settings.paths.etc)
    fake.start()
    return fake


@pytest.fixture
def files(settings: AsteriskSettings, asterisk: FakeAsterisk) -> AsteriskFiles:
    return AsteriskFiles(settings, asterisk)


def live(settings: AsteriskSettings) -> Files:
    home = settings.paths.etc / FOLDER
    return {f"{FOLDER}/{name}": text for name, text in last_good.read_files(home, apply.NAMES).items()}


def agents(asterisk: FakeAsterisk) -> set[str]:
    return {name for kind, name in asterisk.objects if kind == "auth" and not name.startswith("trunk-")}


async def test_a_directory_arrives_in_asterisk(
    files: AsteriskFiles, asterisk: FakeAsterisk, settings: AsteriskSettings
) -> None:
    planned = await files.apply(BOTH)
    assert set(planned.changed) == {PJSIP, GLOBALS, EMERGENCY}
    assert agents(asterisk) == {MARIE.sip_user}
    assert not last_good.is_pending(settings.paths.etc / FOLDER)
    assert await files.verify(BOTH) == []


async def test_only_what_changed_is_reloaded_and_nothing_when_nothing_did(
    files: AsteriskFiles, asterisk: FakeAsterisk
) -> None:
    await files.apply(BOTH)
    asterisk.reloads.clear()
    await files.apply(MORE)
    assert "pbx_config.so" not in asterisk.reloads
    await files.apply(BOTH)
    asterisk.reloads.clear()
    assert (await files.apply(BOTH)).changed == ()
    assert asterisk.reloads == []


async def test_a_removed_agent_is_gone(files: AsteriskFiles, asterisk: FakeAsterisk) -> None:
    await files.apply(MORE)
    await files.apply(BOTH)
    assert agents(asterisk) == {MARIE.sip_user}


async def test_files_that_hold_secrets_are_readable_by_their_owner_only(
    files: AsteriskFiles, settings: AsteriskSettings
) -> None:
    await files.apply(BOTH)
    written = [f for f in settings.paths.etc.rglob("*.conf") if f.is_file()]
    assert {oct(f.stat().st_mode & 0o777) for f in written} == {"0o600"}


async def test_the_plan_shows_the_difference_and_hides_secrets(files: AsteriskFiles) -> None:
    await files.apply(BOTH)
    changed = msgspec.structs.replace(MARIE, secret="another-secret-1", devices=5)
    planned = await files.plan(msgspec.structs.replace(BOTH, agents={MARIE.id: changed}))
    lines = [line for line in planned.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert [line for line in lines if "max_contacts" in line] == ["-max_contacts = 3", "+max_contacts = 5"]
    assert sum("password = (hidden " in line for line in lines) == 2
    assert "another-secret-1" not in planned.diff
    assert MARIE.secret not in planned.diff


def dropped(section: Section) -> Section | None:
    return None if section.name == PAUL.sip_user and section.options[0].value == "auth" else section


def altered(section: Section) -> Section:
    options = [Option(o.key, "9") if o.key == "max_contacts" else o for o in section.options]
    return msgspec.structs.replace(section, options=tuple(options)) if section.name == PAUL.sip_user else section


@pytest.mark.parametrize(
    ("takes", "said"),
    [(dropped, "auth paul-22222a: not there"), (altered, "aor paul-22222a: max_contacts is not what was written")],
)
async def test_what_asterisk_does_not_take_is_undone(
    files: AsteriskFiles,
    asterisk: FakeAsterisk,
    settings: AsteriskSettings,
    takes: "object",
    said: str,
) -> None:
    await files.apply(BOTH)
    before, objects = live(settings), dict(asterisk.objects)
    asterisk.takes = takes  # type: ignore[assignment]
    with pytest.raises(ConfigRejected, match=said) as rejected:
        await files.apply(MORE)
    assert "paul-secret-1" not in rejected.value.message
    assert (before, objects) == (live(settings), asterisk.objects)
    assert not last_good.is_pending(settings.paths.etc / FOLDER)


async def test_an_asterisk_that_keeps_a_removed_agent_is_noticed(files: AsteriskFiles, asterisk: FakeAsterisk) -> None:
    await files.apply(MORE)
    kept = dict(asterisk.objects)
    asterisk.on_reload = lambda: None

    async def deaf(name: str) -> None:
        asterisk.reloads.append(name)

    asterisk.reload_module = deaf  # type: ignore[method-assign]
    with pytest.raises(ConfigRejected, match="still there"):
        await files.apply(BOTH)
    assert kept == asterisk.objects


async def test_groups_arrive_as_queues_and_only_their_file_is_reloaded(
    files: AsteriskFiles, asterisk: FakeAsterisk
) -> None:
    await files.apply(BOTH)
    asterisk.reloads.clear()
    assert ((await files.apply(FULL)).changed, asterisk.reloads) == ((QUEUES,), ["app_queue.so"])
    assert list(asterisk.queues.values()) == [frozenset({f"PJSIP/{MARIE.sip_user}"})]
    assert await files.verify(FULL) == []
    await files.apply(BOTH)
    assert asterisk.queues == {}
    (wrong,) = await files.verify(FULL)
    assert wrong.why == "not there"


@pytest.mark.parametrize(
    ("takes", "said"),
    [
        (lambda section: None if section.name.startswith("sales.") else section, r"queue sales\.\w+: not there"),
        (lambda section: Section(section.name, section.options[:4]) if section.name.startswith("sales.") else section,
         r"queue sales\.\w+: has other members"),
    ],
    ids=["not there", "other members"],
)  # fmt: skip
async def test_a_queue_that_asterisk_does_not_take_is_undone(
    files: AsteriskFiles, asterisk: FakeAsterisk, takes: Taken, said: str
) -> None:
    await files.apply(BOTH)
    asterisk.takes = takes
    with pytest.raises(ConfigRejected, match=said):
        await files.apply(FULL)
    asterisk.takes = lambda section: section
    assert await files.verify(BOTH) == []


async def test_a_queue_that_stays_is_noticed(files: AsteriskFiles, asterisk: FakeAsterisk) -> None:
    await files.apply(FULL)
    asterisk.on_reload = lambda: setattr(asterisk, "_read_queues", lambda: None)
    with pytest.raises(ConfigRejected, match=r"queue sales\.\w+: still there"):
        await files.apply(BOTH)


async def test_many_differences_are_counted(files: AsteriskFiles, asterisk: FakeAsterisk) -> None:
    asterisk.takes = lambda section: None
    with pytest.raises(ConfigRejected, match=r"; and [0-9]+ more"):
        await files.apply(BOTH)


async def test_a_dialplan_that_was_not_taken_is_noticed(files: AsteriskFiles, asterisk: FakeAsterisk) -> None:
    await files.apply(BOTH)
    asterisk.stamp = ""
    (wrong,) = await files.verify(BOTH)
    assert str(wrong).startswith("standardiste/globals.conf: stamp missing instead of ")


async def test_when_asterisk_is_away_the_files_go_back_and_the_marker_stays(
    files: AsteriskFiles, asterisk: FakeAsterisk, settings: AsteriskSettings
) -> None:
    await files.apply(BOTH)
    before = live(settings)
    asterisk.away = True
    with pytest.raises(Unavailable):
        await files.apply(MORE)
    assert before == live(settings)
    asterisk.away = False
    assert await files.recover()
    assert not await files.recover()


async def test_when_even_the_last_good_files_are_not_taken_it_is_said(
    files: AsteriskFiles, asterisk: FakeAsterisk, settings: AsteriskSettings
) -> None:
    await files.apply(BOTH)
    asterisk.takes = lambda section: None
    with pytest.raises(ConfigRejected):
        await files.apply(MORE)
    assert last_good.is_pending(settings.paths.etc / FOLDER)


async def test_asterisk_lost_while_it_is_read_back(
    files: AsteriskFiles, asterisk: FakeAsterisk, settings: AsteriskSettings
) -> None:
    await files.apply(BOTH)
    before = live(settings)

    def lost() -> None:
        asterisk.away = len(asterisk.reloads) % 3 == 2

    asterisk.on_reload = lost
    with pytest.raises(Unavailable):
        await files.apply(MORE)
    assert before == live(settings)


async def test_a_directory_that_cannot_be_rendered_touches_nothing(
    files: AsteriskFiles, settings: AsteriskSettings
) -> None:
    before = live(settings)
    hostile = msgspec.structs.replace(MARIE, sip_user="x]\n[evil")
    with pytest.raises(InvalidValue):
        await files.apply(msgspec.structs.replace(BOTH, agents={MARIE.id: hostile}))
    assert before == live(settings)


async def test_two_processes_do_not_change_the_files_at_once(files: AsteriskFiles, settings: AsteriskSettings) -> None:
    with last_good.alone(settings.paths.etc / FOLDER), pytest.raises(ConfigBusy):
        await files.apply(BOTH)


async def test_two_changes_of_one_process_wait_for_each_other(files: AsteriskFiles, asterisk: FakeAsterisk) -> None:
    await asyncio.gather(files.apply(MORE), files.apply(BOTH))
    assert agents(asterisk) == {MARIE.sip_user}


STEPS = 20  # there are 19; the last run lives


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("restarted", [False, True])
async def test_killed_at_any_step_everything_is_old_or_new(
    settings: AsteriskSettings, step: int, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fsync, rename and reload is a step; then a new engine, or Asterisk itself, finds what is left."""
    last_good.write_files(settings.paths.etc, base_files(settings))
    asterisk = FakeAsterisk(settings.paths.etc)
    asterisk.start()
    await AsteriskFiles(settings, asterisk).apply(BOTH)
    old, new = live(settings), directory_files(FEWER, settings)
    with monkeypatch.context() as patched:
        dies_at(step, patched, (os, "fsync"), (Path, "replace"), (asterisk, "on_reload"))
        with contextlib.suppress(Killed):
            await AsteriskFiles(settings, asterisk).apply(FEWER)
    asterisk.on_reload = lambda: None
    if restarted:
        last_good.restore(settings.paths.etc / FOLDER)
        asterisk.start()
    else:
        await AsteriskFiles(settings, asterisk).recover()
    assert live(settings) in (old, new)
    assert agents(asterisk) == ({MARIE.sip_user} if live(settings) == old else set())


def test_a_damaged_copy_is_not_put_back(tmp_path: Path) -> None:
    last_good.write_files(tmp_path, {"pjsip.conf": "[a]\ntype = endpoint\n"})
    last_good.save(tmp_path, ("pjsip.conf",))
    (tmp_path / ".last-good" / "pjsip.conf").write_text("")
    with pytest.raises(LastGoodLost, match="not the file that was saved"):
        last_good.restore(tmp_path)


def test_a_file_that_was_not_there_before_is_removed_again(tmp_path: Path) -> None:
    last_good.save(tmp_path, ("pjsip.conf",))
    last_good.write_files(tmp_path, {"pjsip.conf": "[a]\n"})
    assert last_good.restore(tmp_path)
    assert not (tmp_path / "pjsip.conf").exists()


def test_the_start_of_asterisks_service_undoes_what_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    last_good.write_files(tmp_path, {"pjsip.conf": "old"})
    last_good.save(tmp_path, ("pjsip.conf",))
    last_good.write_files(tmp_path, {"pjsip.conf": "new"})
    monkeypatch.setattr("sys.argv", ["restore", str(tmp_path)])
    last_good.main()
    assert (tmp_path / "pjsip.conf").read_text() == "old"
    assert "was undone" in capsys.readouterr().err
    last_good.main()
    assert capsys.readouterr().err == ""


async def test_an_empty_directory_needs_nothing(files: AsteriskFiles) -> None:
    assert (await files.apply(EMPTY)).changed == ()
