"""What the interpreter is told and orders is data: it survives the journal."""

from datetime import UTC, datetime

import msgspec
import pytest

from engine.domain.moment import Moment
from engine.domain.scenario import run, talk
from engine.domain.scenario.graph import NodeName
from engine.domain.values import Slug

AT = Moment(utc=datetime(2026, 5, 1, 8, tzinfo=UTC), mono=10.0)


@pytest.mark.parametrize(
    ("value", "union"),
    [
        (talk.KeyPressed(at=AT, key="#"), talk.AnyTold),
        (
            talk.Replied(at=AT, number=3, outcome="found", values={"name": "Marie", "vip": True, "calls": 2}),
            talk.AnyTold,
        ),
        (talk.Speak(number=1, items=(talk.Words("Bonjour"), talk.Day("2026-05-01")), language="fr"), talk.AnyOrder),
        (talk.Ask(number=2, question=talk.AskHours(calendar=Slug("main"), at=AT.utc)), talk.AnyOrder),
        (talk.Reach(number=2, whom=talk.Switchboard(), max_s=60, comfort="music", after=False), talk.AnyOrder),
        (talk.Leave(end="ended"), talk.AnyOrder),
    ],
)
def test_all_of_it_is_read_back_as_it_was_written(value: object, union: object) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=union) == value


def test_a_run_is_read_back_as_it_was_written() -> None:
    one = run.Run(scenario=Slug("s"), node=NodeName("n"), phase=run.Answering(), language="fr", values={}, began=AT)
    assert not one.over
    assert msgspec.json.decode(msgspec.json.encode(one), type=run.Run) == one
