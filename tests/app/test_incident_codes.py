"""Incidents from a telephone: who may, what each code does, and whose name it bears."""

from pathlib import Path

import msgspec
import pytest

from engine.app.directories import CurrentDirectory
from engine.app.incident_board import IncidentBoard
from engine.app.incident_codes import IncidentCodes
from engine.calls.arriving import Came
from engine.domain.values import ChannelId
from engine.errors import Refused
from engine.store.pool import Database
from tests.app.test_incident_board import House, codes
from tests.config.directories import BOTH, MARIE, with_agent


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


def phones(house: House, board: IncidentBoard, *, permitted: bool = True) -> IncidentCodes:
    directory = with_agent(msgspec.structs.replace(MARIE, incidents=True)) if permitted else BOTH
    return IncidentCodes(board, CurrentDirectory(directory), house.audit)


def dials(digits: str, endpoint: str = MARIE.sip_user) -> Came:
    return Came(channel=ChannelId("1.1"), endpoint=endpoint, dialled=digits)


async def test_the_same_code_sets_and_clears(house: House) -> None:
    board = house.engine()
    marie = phones(house, board)
    assert await marie.dialled(dials("802")) == "set2"
    assert codes(board) == ["it-down"]
    assert board.standing()[0].author == "phone marie"
    assert await marie.dialled(dials("802")) == "clear2"
    assert codes(board) == []


async def test_nought_clears_all(house: House) -> None:
    board = house.engine(several=True)
    marie = phones(house, board)
    await marie.dialled(dials("801"))
    await marie.dialled(dials("803"))
    assert await marie.dialled(dials("800")) == "clear0"
    assert codes(board) == []


@pytest.mark.parametrize(
    ("digits", "endpoint", "permitted", "rule"),
    [
        ("801", MARIE.sip_user, False, "incidents-not-permitted"),
        ("801", "trunk-paris-1", True, "incidents-not-permitted"),
        ("809", MARIE.sip_user, True, "unknown-number"),
    ],
)
async def test_who_may_not_and_what_is_not_there(
    house: House, digits: str, endpoint: str, permitted: bool, rule: str
) -> None:
    board = house.engine()
    with pytest.raises(Refused) as refused:
        await phones(house, board, permitted=permitted).dialled(dials(digits, endpoint))
    assert refused.value.stable_code == rule
    assert (codes(board), house.audit.rows[-1].rule) == ([], rule)
