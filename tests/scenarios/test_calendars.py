"""Calendars of the house at the virtual time of a call."""

from datetime import UTC, datetime

import msgspec
import pytest

from engine.domain.directory import EMPTY, Calendar, Directory
from engine.domain.values import Slug
from engine.scenarios.answers import Answer, Asked, Mocks
from engine.scenarios.calendars import Calendars
from engine.scenarios.simulator import Caller, Simulation
from tests.scenarios.calls import company, runs, way, written

OFFICE = Calendar(
    id=Slug("office"),
    name="Office",
    time_zone="Europe/Paris",
    country="FR",
    hours="Mo-Fr 09:00-18:00",
    holidays=("05-02 Pont",),
)


def directory(*calendars: Calendar) -> Directory:
    return msgspec.structs.replace(EMPTY, calendars={calendar.id: calendar for calendar in calendars})


@pytest.mark.parametrize(
    ("at", "outcome", "next_node"),
    [
        (datetime(2026, 5, 4, 7, 30, tzinfo=UTC), "open", "choice"),
        (datetime(2026, 5, 4, 6, 30, tzinfo=UTC), "closed", "regret"),
        (datetime(2026, 5, 1, 10, tzinfo=UTC), "holiday", "regret"),
    ],
)
def test_a_call_comes_when_it_is_said_to(at: datetime, outcome: str, next_node: str) -> None:
    world = Mocks({}, Calendars(directory(OFFICE)))
    simulation = runs(Simulation(company(), world, Caller(at=at)))
    assert way(simulation)[1] == ("hours", outcome)
    assert way(simulation)[2][0] == next_node


def test_a_mock_counts_more_and_unknown_calendars_stay_open_questions() -> None:
    caller = Caller(at=datetime(2026, 5, 4, 7, 30, tzinfo=UTC))
    mocked = Mocks(written({"hours office": "closed"}), Calendars(directory(OFFICE)))
    assert way(runs(Simulation(company(), mocked, caller)))[1] == ("hours", "closed")
    unknown = runs(Simulation(company(), Mocks({}, Calendars(directory())), caller))
    assert unknown.open is not None
    assert Calendars(directory(OFFICE)).answer(Asked("lookup", ("contacts",)), None) is None


def test_a_calendar_without_end_tells_none() -> None:
    always = msgspec.structs.replace(OFFICE, hours="24/7", public_holidays=False, holidays=())
    world = Mocks({}, Calendars(directory(always)))
    simulation = runs(Simulation(company(), world, Caller(at=datetime(2026, 5, 4, tzinfo=UTC))))
    assert Answer(outcome="open") in [getattr(event, "answer", None) for event in simulation.story]
