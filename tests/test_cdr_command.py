"""`engine cdr` on a real PostgreSQL."""

import asyncio
import csv
import io
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import cli
from engine.sandbox.postgres import PostgresInstall, PostgresServer
from engine.store.history import upsert_records
from engine.store.migrate import migrate
from engine.store.pool import Database
from tests.http.fakes import call_record


async def _keep(dsn: str) -> None:
    records = [call_record(number, disposition_note="=1+1" if number == 3 else None) for number in range(700)]
    async with Database(dsn) as db:
        await migrate(db)
        async with db.connection() as connection:
            await upsert_records(connection, records)


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with asyncio.Runner() as runner:
        install = runner.run(PostgresInstall.find_or_fetch(print))
        server = PostgresServer(install, port=port, name="postgresql-of-the-command-tests")
        try:
            runner.run(server.start())
            runner.run(_keep(server.dsn))
            yield server.dsn
        finally:
            runner.run(server.close())


@pytest.fixture(autouse=True)
def _settings(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STANDARDISTE_POSTGRES__DSN", dsn)


def test_the_newest_come_first_and_no_more_than_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cdr", "list", "--limit", "600", "--agent", "alice"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 600
    assert "000000000699" in lines[0]
    assert "answered" in lines[0]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], 700), (["--agent", "bob"], 0), (["--number", "+33187654321"], 700), (["--outcome", "full"], 0),
        (["--from", "2026-11-20T13:00:00+00:00", "--to", "2026-11-20T14:00:00Z"], 60),
    ],
)  # fmt: skip
def test_export_is_every_matching_row(
    filters: list[str], expected: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    assert cli.main(["cdr", "export", "--output", str(file), *filters]) == 0
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert len(rows) == len({row["call_id"] for row in rows}) == expected
    assert f"{expected} call records" in capsys.readouterr().err


def test_formulas_are_harmless_unless_exact(capsys: pytest.CaptureFixture[str]) -> None:
    hour = ["--from", "2026-11-20T12:03:00Z", "--to", "2026-11-20T12:04:00Z"]
    assert cli.main(["cdr", "export", *hour]) == 0
    text = capsys.readouterr().out
    assert ",'=1+1," in text
    assert text.startswith("call_id,revision,")
    assert text.count("\r\n") == 2
    assert cli.main(["cdr", "export", "--exact", *hour]) == 0
    assert ",=1+1," in capsys.readouterr().out


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    assert cli.main(["cdr", "export", "--output", "out.csv"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "out.csv").read_text() == "precious"


def test_a_failed_export_leaves_no_half_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("STANDARDISTE_POSTGRES__DSN", "postgresql://nobody@127.0.0.1:1/none")
        assert cli.main(["cdr", "export", "--output", "out.csv"]) == 1
    assert "PostgreSQL does not answer" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
    assert cli.main(["cdr", "export", "--output", "out.csv"]) == 0


def test_a_file_that_cannot_be_made_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cdr", "export", "--output", "nowhere/out.csv"]) == 1
    assert capsys.readouterr().err.startswith("engine: nowhere/out.csv cannot be written: No such file")


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (["--number", "01.87.65.43.21"], "no call record is like that: numbers are kept as +33142685300"),
        (["--agent", "bob"], "no call record is like that\n"),
        (["--number", "+33187654321"], ""),
    ],
)
def test_an_empty_list_says_so(filters: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A number as people write it finds nothing: that must not be read as "never called"."""
    assert cli.main(["cdr", "list", *filters]) == 0
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.parametrize("wrong", [["--from", "2026-11-20"], ["--limit", "0"], ["--limit", "5000"], ["--to", "x"]])
def test_a_wrong_filter_is_refused_in_words(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cdr", "list", *wrong]) == 1
    assert capsys.readouterr().err.startswith("engine: ")


def test_the_doctor_sees_postgresql(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["doctor"])
    assert "PostgreSQL  " in (shown := capsys.readouterr().out)
    assert "hunter" not in shown


async def _says(dsn: str, statement: str) -> None:
    async with Database(dsn) as db, db.connection() as connection:
        await connection.execute(statement)


def test_the_doctor_sees_that_the_schema_is_a_newer_engines(capsys: pytest.CaptureFixture[str], dsn: str) -> None:
    asyncio.run(_says(dsn, "INSERT INTO schema_migrations (version, name, sha256) VALUES (999, 'later', '')"))
    try:
        assert cli.main(["doctor"]) == 1
    finally:
        asyncio.run(_says(dsn, "DELETE FROM schema_migrations WHERE version = 999"))
    assert re.search("ILL +PostgreSQL +schema [0-9]+, this engine knows [0-9]+", capsys.readouterr().out)
