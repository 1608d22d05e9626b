"""`engine call show|ladder|replay`: from the journal's file beside a running engine, from PostgreSQL, from a file."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import cli
from engine.calls.recording import from_lines, to_lines
from engine.domain.values import Slug
from engine.journal import Journal, StepRow
from engine.store import scenario_files
from engine.store.migrate import migrate
from engine.store.pool import Database
from engine.store.scenarios import Version
from engine.store.steps import store_steps
from tests.calls import journals
from tests.domain.calls import CALL
from tests.store.conftest import empty_dsn, postgres

__all__ = ["empty_dsn", "postgres"]

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def rows() -> list[StepRow]:
    return journals.rows(journals.restart())


@pytest.fixture
async def journal(tmp_path: Path, rows: list[StepRow]) -> AsyncIterator[Path]:
    """A journal that an engine has open, in a folder whose name needs care."""
    path = tmp_path / "a b#?%41" / "journal.sqlite"
    async with Journal.open(path, "node", ballast_bytes=4096) as journal:
        for row in rows:
            await journal.append(row)
        yield path


async def engine(*words: str) -> int:
    """The command line, in a thread of its own as it has an event loop of its own."""
    return await asyncio.to_thread(cli.main, ["call", *words])


async def test_show_tells_the_story_beside_a_running_engine(journal: Path, capsys: Captured) -> None:
    assert await engine("show", CALL, "--journal", str(journal)) == 0
    told = capsys.readouterr().out
    for said in (
        "answered, ended by customer",
        "== engine restarted, call re-owned",
        "<- 180 ringing",
        "(learnt later)",
    ):
        assert said in told


async def test_ladder_writes_a_picture(journal: Path, tmp_path: Path, capsys: Captured) -> None:
    picture = tmp_path / "call.svg"
    assert await engine("ladder", CALL.upper(), "--journal", str(journal), "-o", str(picture)) == 0
    assert picture.read_text().startswith("<svg ")
    assert await engine("ladder", CALL, "--journal", str(journal)) == 0
    assert capsys.readouterr().out == picture.read_text()


async def test_ladder_into_nowhere(journal: Path, tmp_path: Path, capsys: Captured) -> None:
    assert await engine("ladder", CALL, "--journal", str(journal), "-o", str(tmp_path / "no" / "call.svg")) == 1
    assert "cannot be written" in capsys.readouterr().err


async def test_replay_says_that_all_is_the_same(journal: Path, capsys: Captured) -> None:
    assert await engine("replay", CALL, "--journal", str(journal)) == 0
    assert "the same orders and the same states at every step" in capsys.readouterr().out


async def test_replay_ends_with_1_on_any_difference(tmp_path: Path, rows: list[StepRow], capsys: Captured) -> None:
    file = tmp_path / "call.jsonl"
    file.write_bytes(to_lines(rows[:1] + rows[2:]))
    assert await engine("replay", str(file)) == 1
    told = capsys.readouterr().out
    assert "step 3: state.legs.agent.attempts[0].phase: journalled" in told
    assert "the machine changed without a new version, or steps are missing" in told


async def test_replay_of_another_version_says_so(tmp_path: Path, rows: list[StepRow], capsys: Captured) -> None:
    file = tmp_path / "call.jsonl"
    file.write_bytes(to_lines(rows[:1] + rows[2:]).replace(b'"machine_version":"', b'"machine_version":"0.'))
    assert await engine("replay", str(file)) == 1
    assert "differences may be meant" in capsys.readouterr().out


async def test_lines_are_a_recording(journal: Path, rows: list[StepRow], capsys: Captured) -> None:
    assert await engine("show", CALL, "--lines", "--journal", str(journal)) == 0
    assert [(r.event, r.state) for r in from_lines(capsys.readouterr().out.encode())] == [
        (r.event, r.state) for r in rows
    ]


def test_the_journal_is_only_read(tmp_path: Path, rows: list[StepRow]) -> None:
    async def write() -> None:
        async with Journal.open(tmp_path / "journal.sqlite", "node", ballast_bytes=4096) as journal:
            for row in rows:
                await journal.append(row)

    asyncio.run(write())
    before = (tmp_path / "journal.sqlite").read_bytes()
    assert cli.main(["call", "replay", CALL, "--journal", str(tmp_path / "journal.sqlite")]) == 0
    assert (tmp_path / "journal.sqlite").read_bytes() == before


async def test_a_missing_journal_is_not_created(tmp_path: Path, capsys: Captured) -> None:
    missing = tmp_path / "journal.sqlite"
    assert await engine("show", CALL, "--journal", str(missing)) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert not missing.exists()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 20, b""])
async def test_another_file_is_no_journal(tmp_path: Path, content: bytes, capsys: Captured) -> None:
    file = tmp_path / "journal.sqlite"
    file.write_bytes(content)
    assert await engine("show", CALL, "--journal", str(file)) == 1
    assert "journal" in capsys.readouterr().err
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["nonsense"], "is no call id"),
        (["01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e02"], "does not hold call"),
        (["missing.jsonl"], "cannot be read"),
    ],
)
async def test_what_cannot_be_found_is_told(journal: Path, asked: list[str], says: str, capsys: Captured) -> None:
    assert await engine("show", *asked, "--journal", str(journal)) == 1
    assert says in capsys.readouterr().err


async def test_an_empty_recording_is_told(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "call.jsonl").write_bytes(b"\n")
    assert await engine("show", str(tmp_path / "call.jsonl")) == 1
    assert "holds no step" in capsys.readouterr().err


def settings(tmp_path: Path, dsn: str | None) -> str:
    """A settings file whose journal is not there."""
    file = tmp_path / "settings.toml"
    database = f'[postgres]\ndsn = "{dsn}"\n' if dsn else ""
    file.write_text(f'state_dir = "{tmp_path / "state"}"\n{database}')
    return str(file)


async def test_a_call_the_node_has_let_go_comes_from_postgresql(
    tmp_path: Path, empty_dsn: str, rows: list[StepRow], capsys: Captured
) -> None:
    async with Database(empty_dsn) as db:
        await migrate(db)
        async with db.connection() as connection:
            await store_steps(connection, [(CALL, rows)])
    config = settings(tmp_path, empty_dsn)
    assert await engine("replay", CALL, "--config", config) == 0
    assert f"{len(rows)} steps" in capsys.readouterr().out
    assert await engine("show", "01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e02", "--config", config) == 1
    assert "PostgreSQL does not either" in capsys.readouterr().err


async def test_without_journal_and_database_both_are_named(tmp_path: Path, capsys: Captured) -> None:
    assert await engine("show", CALL, "--config", settings(tmp_path, None)) == 1
    told = capsys.readouterr().err
    assert "there is no journal" in told
    assert "PostgreSQL cannot be asked" in told
    assert os.listdir(tmp_path) == ["settings.toml"]  # reading makes nothing


async def test_a_call_that_a_scenario_led_is_replayed_where_the_scenario_is_kept(
    tmp_path: Path, capsys: Captured
) -> None:
    """Elsewhere that is said, and what to do about it."""
    recording, config = tmp_path / "led.jsonl", tmp_path / "engine.toml"
    recording.write_bytes(to_lines(journals.rows(journals.led_to_an_agent())))
    config.write_text(f'state_dir = "{tmp_path}"\n')
    asked = ("replay", str(recording), "--config", str(config))
    assert await engine(*asked) == 1
    assert "which is not here" in capsys.readouterr().err
    kept = Version(
        version=journals.RECEPTION.version,
        name=Slug("main"),
        program=journals.RECEPTION,
        sources={},
        recordings=(),
        author="test",
        created_at=datetime.now(UTC),
    )
    scenario_files.save(tmp_path / "scenarios", kept)
    assert await engine(*asked) == 0
    assert "the same orders and the same states" in capsys.readouterr().out
