"""What the world answers, as it is written."""

import pytest

from engine.domain.scenario import talk
from engine.domain.values import E164, Slug
from engine.errors import InvalidValue
from engine.scenarios.answers import Answer, Asked, Mocks, asked_by, kind_of, parse
from tests.scenarios.calls import written

CASES = [
    ("hours", "closed", Answer(outcome="closed")),
    ("group", "after 40", Answer(outcome="after", seconds=40.0)),
    ("lookup", "found name='Ana Lima' vip=true", Answer(outcome="found", values={"name": "Ana Lima", "vip": "true"})),
    ("fetch", "done 1.5 /order/state=sent", Answer(outcome="done", seconds=1.5, values={"/order/state": "sent"})),
]


@pytest.mark.parametrize(("kind", "text", "answer"), CASES)
def test_an_answer_is_read_and_written(kind: str, text: str, answer: Answer) -> None:
    assert parse(text, kind) == answer
    assert str(answer) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no answer to group"),
        ("open", "one of talked, after, not_taken"),
        ("busy soon", "'soon' is neither"),
        ("busy =1", "'=1' is neither"),
        ('busy "', "no closing quotation"),
    ],
)
def test_what_is_no_answer_is_told(text: str, told: str) -> None:
    with pytest.raises(InvalidValue, match=told):
        parse(text, "group")


def test_what_nothing_asks_is_told() -> None:
    assert kind_of("lookup contacts") == "lookup"
    with pytest.raises(InvalidValue, match="'weather' is nothing a scenario asks"):
        kind_of("weather paris")


def test_the_nearest_answer_counts() -> None:
    mocks = Mocks(written({"group sales": "busy", "group": "nobody", "agents": "talked"}))
    asked = [Asked("group", ("sales",)), Asked("group", ("support",)), Asked("ring", ("ana",))]
    assert [str(mocks.answer(one, None)) for one in asked] == ["busy", "nobody", "talked"]


def test_answers_are_given_one_after_the_other_and_the_last_again() -> None:
    mocks = Mocks(written({"hours": ["open", "closed"]}))
    assert [str(mocks.answer(Asked("hours", ("office",)), None)) for _ in range(3)] == ["open", "closed", "closed"]


def test_an_incident_tells_which_flag_is_set() -> None:
    mocks = Mocks(written({"incident flood": "active"}))
    assert mocks.answer(Asked("incident", ("strike", "flood")), None) == Answer(
        outcome="active", values={"code": "flood"}
    )
    assert mocks.answer(Asked("incident", ("strike",)), None) == Answer(outcome="clear")
    any_flag = Mocks(written({"incident": "active"}))
    assert any_flag.answer(Asked("incident", ("strike",)), None) == Answer(outcome="active", values={"code": "strike"})


def test_who_is_beyond_is_asked_before_what_goes_without_saying() -> None:
    class House:
        def answer(self, asked: Asked, order: object) -> Answer | None:
            return Answer(outcome="closed") if asked.kind == "hours" else None

    mocks = Mocks({}, House())
    assert mocks.answer(Asked("hours", ("office",)), None) == Answer(outcome="closed")
    assert mocks.answer(Asked("notify", ("order",)), None) == Answer(outcome="done")
    assert mocks.answer(Asked("lookup", ("contacts",)), None) is None


def test_every_order_to_the_world_has_its_name() -> None:
    ring = talk.Agents(agents=(Slug("ana"),), numbers=(E164("+33612345678"),))
    assert asked_by(ring) == Asked("ring", ("ana", "+33612345678"))
    assert str(asked_by(talk.OfGroup(group=Slug("sales")))) == "group sales"
    assert str(asked_by(talk.Switchboard())) == "transfer switchboard"
    assert str(asked_by(talk.AskIncident(flags=(Slug("strike"), Slug("flood"))))) == "incident strike"
