"""Numbers that were called and are nobody's."""

import msgspec
import pytest

from engine.app import unmatched_numbers
from engine.app.unmatched_numbers import UnmatchedNumbers
from engine.calls.clock import Clock
from engine.domain.directory import Directory
from engine.domain.values import Slug
from tests.calls.room import NINE
from tests.calls.test_arriving import by_phone, by_trunk, number, with_numbers
from tests.calls.test_led import HOTLINE

HELD = with_numbers(number(trunk=Slug("paris-2")))
OTHER = "0140000021"


class House:
    def __init__(self) -> None:
        self.directory: Directory = HELD
        self.board = UnmatchedNumbers(self, Clock(kernel=lambda: 0.0, wall=lambda: NINE, boot="b"))

    def told(self) -> list[tuple[str, str, int, str]]:
        return [(at.trunk, at.number, at.count, at.last_caller) for at in self.board.entries()]


def test_the_last_called_is_first_and_calls_are_counted() -> None:
    house = House()
    for came in (by_trunk(OTHER), by_trunk("99", caller=""), by_trunk(OTHER, caller="0699999999")):
        house.board.note(came)
    assert house.told() == [("paris-1", "+33140000021", 2, "+33699999999"), ("paris-1", "99", 1, "")]
    assert house.board.entries()[0].last_at == NINE


@pytest.mark.parametrize(
    ("dialled", "hint_en", "hint_fr"),
    [
        (OTHER, "Declare it: PUT /v1/numbers/+33140000021", "Déclarez-le : PUT /v1/numbers/+33140000021"),
        ("99", "did_strip and did_prefix of trunk paris-1", "did_strip et did_prefix du faisceau paris-1"),
        ("0140000020", "It is declared for trunk paris-2", "Il est déclaré pour le faisceau paris-2"),
    ],
)
def test_what_would_lead_its_callers_somewhere(dialled: str, hint_en: str, hint_fr: str) -> None:
    house = House()
    house.board.note(by_trunk(dialled))
    (found,) = house.board.entries()
    assert hint_en in found.hint_en
    assert hint_fr in found.hint_fr


def test_what_leads_somewhere_now_is_told_no_more() -> None:
    house = House()
    house.board.note(by_trunk(OTHER))
    house.board.note(by_trunk("0140000020"))
    house.directory = with_numbers(number())
    assert [at.number for at in house.board.entries()] == ["+33140000021"]
    taking = msgspec.structs.replace(HOTLINE, any_number_of=(Slug("paris-1"),))
    house.directory = msgspec.structs.replace(HELD, applications={taking.id: taking})
    assert house.board.entries() == []
    house.directory = msgspec.structs.replace(HELD, trunks={})
    assert house.board.entries() == []


def test_whoever_dials_at_random_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmatched_numbers, "MOST", 2)
    house = House()
    for dialled in ("11", "12", "11", "13"):
        house.board.note(by_trunk(dialled))
    assert [at.number for at in house.board.entries()] == ["13", "11"]


def test_telephones_of_the_house_are_another_matter() -> None:
    house = House()
    house.board.note(by_phone("2077"))
    assert house.board.entries() == []
