"""The journal's file: opened, recognised and brought up to date; never silently replaced."""

import sqlite3
from pathlib import Path

from engine.errors import JournalDamaged, JournalUnwritable

APPLICATION_ID = 0x53544A31  # "STJ1": tells our journal from any other SQLite file
VERSION = 2
BUSY_S = 5.0  # another program reading the file (a backup, sqlite3 by hand) may hold it for a moment
CHECKPOINT_PAGES = 1000  # SQLite's own default: 4 MB of log between two checkpoints

_SCHEMA = Path(__file__).with_name("schema.sql")
_UPGRADES = {2: Path(__file__).with_name("upgrade_2.sql")}  # what each version added to the one before

# What SQLite says when there is no more room: disk full, quota or file size limit, no room for the shared index.
FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one writing connection; raises JournalDamaged or JournalUnwritable, and leaves the file as it was."""
    try:
        _ours_alone(path)
        connection = _connect(path)
        try:
            _recognise(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A second connection that cannot change anything; in WAL mode it neither waits for the writer nor holds it up."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def translated(error: sqlite3.Error, path: Path) -> JournalDamaged | JournalUnwritable:
    """SQLite's error as one of ours: whose fault it is and what to do."""
    if primary_code(error) in DAMAGED:
        return JournalDamaged(
            f"the journal {path} cannot be read: {error}",
            what_next="keep the file (calls are in it), move it and its -wal aside, then start again; "
            "`sqlite3 FILE .recover` gets the rows out",
        )
    return JournalUnwritable(
        f"the journal {path} cannot be written: {error}",
        what_next="see to the disk's free space and to the rights on the directory",
    )


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code (the low byte), 0 when Python itself raised."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_full(error: BaseException) -> bool:
    """Whether this error means that there is no more room."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) in FULL


def _ours_alone(path: Path) -> None:
    """Numbers and business data are in it: 0600, wherever it lies. SQLite gives its -wal and -shm the same mode."""
    try:
        path.touch(mode=0o600)
        for file in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
            if file.exists():
                file.chmod(0o600)
    except OSError as error:
        raise JournalUnwritable(
            f"the journal {path} cannot be opened: {error}",
            what_next="see to the disk's free space and to the rights on the directory",
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    # Made in one thread and handed to the one that owns it from then on, hence check_same_thread=False.
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    application, version = _number(connection, "application_id"), _number(connection, "user_version")
    if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        _create(connection)
    elif application != APPLICATION_ID:
        raise JournalDamaged(f"{path} is not a journal of this engine", what_next="name another file")
    elif 0 < version < VERSION:
        _upgrade(connection, version)
    elif version != VERSION:
        raise JournalDamaged(
            f"the journal {path} has version {version}, this engine knows {VERSION}",
            what_next="start the engine that wrote it, or a newer one",
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(
        "SELECT count(*) FROM open_calls"
    ).fetchone()  # a damaged file is told now, not at the first call


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # pruning gives space back to the disk, in small steps
    connection.executescript(
        f"BEGIN EXCLUSIVE; {_SCHEMA.read_text('utf-8')};"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; COMMIT;"
    )
    _upgrade(connection, 1)


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    """One transaction per version: whoever dies in between is taken further at the next start."""
    for number in range(version + 1, VERSION + 1):
        sql = _UPGRADES[number].read_text("utf-8")
        connection.executescript(f"BEGIN EXCLUSIVE; {sql}; PRAGMA user_version = {number}; COMMIT;")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
