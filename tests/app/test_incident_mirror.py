"""Incidents in Asterisk's database: every flag, anew with each connection, and without a flag's end being told."""

from datetime import timedelta
from pathlib import Path

import pytest

from engine.ami.actions import Action, DbPut
from engine.ami.errors import AmiAway
from engine.app.incident_mirror import IncidentMirror
from engine.http.incident_port import IncidentWish
from engine.store.pool import Database
from tests.app.test_incident_board import FOREVER, NOON, OPS, House


class Manager:
    def __init__(self) -> None:
        self.ready, self.epoch, self.fails = True, 1, False
        self.puts: list[DbPut] = []

    async def act(self, action: Action) -> None:
        if self.fails:
            raise AmiAway("gone")
        assert isinstance(action, DbPut)
        self.puts.append(action)

    def told(self) -> dict[str, str]:
        """What was written since the last time."""
        told = {f"{put.family}/{put.key}": put.value for put in self.puts}
        self.puts.clear()
        return told


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


async def test_every_flag_is_written_and_then_what_changes(house: House) -> None:
    board, manager = house.engine(), Manager()
    mirror = IncidentMirror(board, manager)
    await mirror.look()
    assert manager.told() == {f"incidents/{code}": "0" for code in board.known}
    await board.set("it-down", FOREVER, OPS)
    await mirror.look()
    assert manager.told() == {"incidents/it-down": "1"}
    await board.set("network-down", FOREVER, OPS)
    await mirror.look()
    assert manager.told() == {"incidents/it-down": "0", "incidents/network-down": "1"}


async def test_its_end_is_seen_without_being_told(house: House) -> None:
    board, manager = house.engine(), Manager()
    mirror = IncidentMirror(board, manager)
    await board.set("it-down", IncidentWish(expires_at=NOON + timedelta(hours=1)), OPS)
    await mirror.look()
    assert manager.told()["incidents/it-down"] == "1"
    house.now = NOON + timedelta(hours=1)
    await mirror.look()
    assert manager.told() == {"incidents/it-down": "0"}


async def test_an_asterisk_that_came_back_is_told_everything(house: House) -> None:
    board, manager = house.engine(), Manager()
    mirror = IncidentMirror(board, manager)
    await board.set("it-down", FOREVER, OPS)
    await mirror.look()
    manager.told()
    manager.ready = False
    await mirror.look()
    assert manager.told() == {}
    manager.ready, manager.epoch, manager.fails = True, 2, True
    with pytest.raises(AmiAway):
        await mirror.look()
    manager.fails = False
    await mirror.look()
    assert manager.told() == {f"incidents/{code}": "1" if code == "it-down" else "0" for code in board.known}
