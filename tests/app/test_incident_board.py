"""Incidents in a real PostgreSQL: one engine's, another's, over a restart, and when their time is over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.app.incident_board import IncidentBoard
from engine.calls.clock import Clock
from engine.calls.contract import Actor
from engine.errors import DatabaseAway, InvalidValue, UnknownThing
from engine.http.incident_port import IncidentWish
from engine.settings import IncidentSettings
from engine.store.pool import Database
from tests.app.test_contact_book import Audit

OPS = Actor(token_id="t", name="ops", scopes=frozenset({"directory:write"}))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
FOREVER = IncidentWish(message_fr="Panne", message_en="Down")


class House:
    """Engines over one PostgreSQL, and the time of day."""

    def __init__(self, db: Database, home: Path) -> None:
        self.db, self.home, self.audit, self.now = db, home, Audit(), NOON

    def engine(self, name: str = "a", *, several: bool = False, db: Database | None = None) -> IncidentBoard:
        clock = Clock(kernel=lambda: 0.0, wall=lambda: self.now, boot="b")
        copy = self.home / f"{name}.json"
        return IncidentBoard(IncidentSettings(several=several), db or self.db, self.audit, clock, copy=copy)


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


def codes(board: IncidentBoard) -> list[str]:
    return [one.code for one in board.standing()]


async def test_one_takes_the_place_of_another_and_everybody_knows(house: House) -> None:
    ours, other = house.engine("a"), house.engine("b")
    await ours.set("it-down", FOREVER, OPS)
    await ours.set("company-closed", IncidentWish(), OPS)
    await other.look()
    assert codes(ours) == codes(other) == ["company-closed"]
    assert other.news.is_set()
    entry = next(one for one in other.entries() if one.active)
    assert (entry.label_en, entry.author, entry.set_at) == ("Company closed", "ops", NOON)
    await other.clear("company-closed", OPS)
    await other.clear("company-closed", OPS)
    await ours.look()
    assert codes(ours) == []
    assert house.audit.told() == [
        ("incidents: set it-down", "until it is cleared", None),
        ("incidents: set company-closed", "until it is cleared, instead of it-down", None),
        ("incidents: clear company-closed", "cleared", None),
    ]


async def test_several_at_once_where_the_house_wants_it(house: House) -> None:
    board = house.engine(several=True)
    await board.set("it-down", FOREVER, OPS)
    await board.set("network-down", FOREVER, OPS)
    assert sorted(codes(board)) == ["it-down", "network-down"]


async def test_its_time_ends_it_whoever_runs_then(house: House) -> None:
    await house.engine().set("it-down", IncidentWish(expires_at=NOON + timedelta(hours=1)), OPS)
    house.now = NOON + timedelta(hours=1)
    later = house.engine()
    await later.load_local()
    assert codes(later) == []
    await later.look()
    assert house.audit.told()[-1] == ("incidents: clear it-down", "set by ops, its time is over", None)
    await later.look()
    assert len(house.audit.rows) == 2


async def test_without_postgresql_the_copy_counts_and_nothing_is_changed(house: House) -> None:
    await house.engine().set("it-down", FOREVER, OPS)
    async with Database("postgresql://nobody@127.0.0.1:1/none") as away:
        board = house.engine(db=away)
        await board.load_local()
        await board.look()
        assert codes(board) == ["it-down"]
        with pytest.raises(DatabaseAway):
            await board.clear("it-down", OPS)
        assert codes(board) == ["it-down"]


async def test_a_copy_that_cannot_be_read_is_done_without(house: House) -> None:
    (house.home / "a.json").write_text("{")
    board = house.engine()
    await board.load_local()
    assert codes(board) == []


async def test_what_is_refused(house: House) -> None:
    board = house.engine()
    with pytest.raises(UnknownThing, match="company-closed, it-down"):
        await board.set("flood", FOREVER, OPS)
    with pytest.raises(InvalidValue) as over:
        await board.set("it-down", IncidentWish(expires_at=NOON), OPS)
    assert over.value.pointer == "/expires_at"
    assert house.audit.rows == []
