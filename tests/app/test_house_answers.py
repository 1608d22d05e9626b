"""What a running scenario is answered from memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.app.directories import CurrentDirectory
from engine.app.house_answers import HouseAnswer, HouseAnswers
from engine.domain.incidents import Incident, first_of
from engine.domain.scenario.talk import AskHours, AskIncident
from engine.domain.values import Slug
from tests.config.directories import FULL, WEEK

AT = datetime(2026, 12, 24, 13, tzinfo=UTC)
DOWN = Incident(code=Slug("it-down"), author="ops", set_at=AT)


class Flags:
    def first_of(self, wanted: Sequence[Slug]) -> Incident | None:
        return first_of(wanted, [DOWN], AT)


HOUSE = HouseAnswers(CurrentDirectory(FULL), Flags())


def test_a_calendar() -> None:
    on_the_eve = HOUSE.answer(AskHours(calendar=WEEK.id, at=AT))
    assert on_the_eve == HouseAnswer("holiday", {"until": "2026-12-25T23:00:00+00:00", "holiday": "Réveillon"})
    working = HOUSE.answer(AskHours(calendar=WEEK.id, at=AT.replace(day=3)))
    assert working == HouseAnswer("open", {"until": "2026-12-03T17:00:00+00:00"})
    assert HOUSE.answer(AskHours(calendar=Slug("lost"), at=AT)) == HouseAnswer("error")


def test_an_incident() -> None:
    asked = AskIncident(flags=(Slug("company-closed"), DOWN.code))
    assert HOUSE.answer(asked) == HouseAnswer("active", {"code": "it-down"})
    assert HOUSE.answer(AskIncident(flags=(Slug("company-closed"),))) == HouseAnswer("clear")
