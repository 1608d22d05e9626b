"""Which parts of the engine are ready, each in its own words: what `/readyz` answers."""

from engine.app.adapters import Health
from engine.app.beat import Beat
from engine.app.certificates import Certificates
from engine.app.keeping import DirectoryKeeper
from engine.ari.connection import AriConnection
from engine.http.ports import PartState
from engine.journal import Journal
from engine.store.pool import Database

BEAT_MAX_AGE_S = 3.0


def health_of(
    *,
    connection: AriConnection,
    journal: Journal,
    beat: Beat,
    db: Database,
    keeper: DirectoryKeeper,
    certificates: Certificates | None,
) -> Health:
    """`certificates`: None where Asterisk's files name none."""

    def ari() -> PartState:
        return PartState(ok=connection.ready, why="" if connection.ready else "Asterisk not connected")

    def written() -> PartState:
        full = journal.disk_full
        return PartState(ok=not full, why="the journal's disk is full" if full else "")

    def beating() -> PartState:
        age = beat.age_s()
        late = age is None or age > BEAT_MAX_AGE_S
        return PartState(ok=not late, why="no beat reached Asterisk lately" if late else "")

    def postgres() -> PartState:
        return PartState(ok=db.available, why="" if db.available else db.reason, needed=False)

    def directory() -> PartState:
        known = keeper.loaded
        return PartState(ok=known, why="" if known else "neither PostgreSQL nor a local copy gave a directory yet")

    parts = {"ari": ari, "journal": written, "beat": beating, "directory": directory, "postgres": postgres}
    if certificates is not None:
        parts["certificates"] = certificates.part
    return Health(parts)
