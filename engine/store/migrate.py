"""Brings the database to the version this code needs: numbered files, each applied once, in a transaction of its own.

A file that was applied is never changed afterwards: its checksum is compared at each start.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from engine.errors import DatabaseMismatch
from engine.store.pool import Connection, Database

MIGRATION_S = 300.0  # one file: an index over years of calls takes minutes

_FOLDER = Path(__file__).with_name("migrations")
_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_LOCK = 0x5354414E  # "STAN": two engines starting together take turns
_log = structlog.get_logger(__name__)

_BOOK = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  version    integer PRIMARY KEY,
  name       text NOT NULL,
  sha256     text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What is remembered of the file, to notice that it was changed afterwards."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = _FOLDER) -> list[Migration]:
    """The files in order; numbers must run from 1 without a gap."""
    found = [(match, path) for path in sorted(folder.iterdir()) if (match := _FILE.fullmatch(path.name))]
    files = [Migration(int(match[1]), match[2], path.read_text("utf-8")) for match, path in found]
    if [file.version for file in files] != list(range(1, len(files) + 1)):
        raise DatabaseMismatch(f"the migrations in {folder} are not numbered 1, 2, 3...")
    return files


async def migrate(db: Database, wanted: list[Migration] | None = None) -> list[Migration]:
    """Applies what is missing and gives what it applied.

    Raises DatabaseMismatch when the database is newer than this code or a file was changed after it was applied, and
    DatabaseAway.
    """
    wanted = migrations() if wanted is None else wanted
    applied = []
    async with db.connection(MIGRATION_S) as connection:
        for migration in wanted:
            if await _one(connection, migration, wanted):
                applied.append(migration)
                _log.info("database.migrated", version=migration.version, name=migration.name)
    return applied


async def _one(connection: Connection, migration: Migration, wanted: list[Migration]) -> bool:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = {round(MIGRATION_S * 1000)}")
        await connection.execute(
            "SET LOCAL lock_timeout = 0"
        )  # the lock below may be held as long as a migration takes
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK, timeout=MIGRATION_S)
        await connection.execute(_BOOK)
        known = await connection.fetch("SELECT version, name, sha256 FROM schema_migrations ORDER BY version")
        _compare(known, wanted)
        if migration.version <= len(known):
            return False
        await connection.execute(migration.sql, timeout=MIGRATION_S)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.sha256,
        )
        return True


def _compare(known: list[asyncpg.Record], wanted: list[Migration]) -> None:
    if len(known) > len(wanted):
        raise DatabaseMismatch(
            f"the database has version {len(known)}, this engine knows {len(wanted)}",
            what_next="install the engine version that made it, or a newer one",
        )
    for row, file in zip(known, wanted, strict=False):
        if row["sha256"] != file.sha256:
            raise DatabaseMismatch(
                f"migration {file.version} ({file.name}) was changed after it was applied to this database",
                what_next="restore the file; put the change into a new migration",
            )
