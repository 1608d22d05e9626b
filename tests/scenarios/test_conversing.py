"""Conversations held, and what their failures say."""

import pytest

from engine.domain.scenario.graph import (
    Expression,
    Group,
    Hangup,
    Lookup,
    NodeName,
    Play,
    Program,
    Record,
    Return,
    Subflow,
    Transfer,
)
from engine.domain.values import Slug
from engine.scenarios.conversations import parse_file
from engine.scenarios.conversing import Held, hold, way
from engine.scenarios.coverage import Edge, as_text, coverage, gone_along
from tests.domain.scenario.caller import of, program, say, scenario
from tests.scenarios.calls import company

HEAD = "conversations:\n  - name: a call\n    at: 2026-05-04T10:00+02:00\n"


def held(text: str, on: Program | None = None) -> Held:
    """Hold the conversation of these lines."""
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    (conversation,) = parse_file(HEAD + lines, "company.test.yaml")
    return hold(on or company(), conversation)


GOOD = [
    """
steps:
  - hears: closed
  - hear: AU  revoir
path: [welcome, hours closed, regret]
result: ended
""",
    """
mocks: {hours: open}
steps: [{hear: tapez 1}, say nothing, {hear: tapez 1}, say nothing, {hear: au revoir}]
path: [welcome, hours, choice no_input, regret]
""",
    """
mocks: {hours: open}
steps: [{hear: bonjour}, {press: 2}, {group support: talked 20}]
path: [welcome, hours, choice key 2, support talked]
result: talked
""",
    """
mocks: {hours: open, agents: nobody}
steps: [{press: 1}]
path: [welcome, hours, choice, sales nobody, regret]
""",
    """
steps: [{wait: 0.2}, hang up]
result: hung_up
""",
]
GOOD[0] = GOOD[0].replace("hears", "hours")


@pytest.mark.parametrize("text", GOOD)
def test_a_conversation_goes_as_expected(text: str) -> None:
    assert held(text).failure is None


BAD = [
    (
        "mocks: {hours: open}\nsteps: [{hear: Bonsoir}]",
        "step 1 (line 5): expected to hear “Bonsoir”, heard “Bonjour”, “Ventes, tapez 1. Support, tapez 2.”, "
        "then it is the caller's turn; the way so far: welcome (done) > hours (open) > choice",
    ),
    ("steps: [{hear: Ventes}]", "step 1 (line 4): nobody answers `hours office`: give it among the mocks"),
    ("steps: [{hear: Bonjour}, {hear: Bonjour}]", "step 2 (line 4): nobody answers `hours office`"),
    ("mocks: {hours: closed}\nsteps: [{hear: Ventes}]", "then the call is over"),
    ("mocks: {hours: open}\nsteps: []", "after the last step: the call is not over: a key is waited for"),
    ("mocks: {hours: open}\nsteps: [{press: 1}]", "after the last step: nobody answers `group sales`"),
    ("mocks: {hours: closed}\nsteps: [say nothing]", "nothing is asked of the caller"),
    ("mocks: {hours: closed}\nsteps: [{speak: 3}]", "nothing is recorded"),
    ("steps: [hang up, {press: 1}]", "step 2 (line 4): the call is over"),
    ("steps: [{group: busy}]", "`group` is not asked, but `hours office`"),
    ("mocks: {hours: open}\nsteps: [{hours: open}]", "`hours` is not asked, or a mock has answered it"),
    ("steps: [hang up]\npath: [hours]", "path: node 1 is not `hours`; the way so far: welcome (hung up)"),
    ("steps: [hang up]\npath: [welcome done]", "path: node 1 is not `welcome done`"),
    ("steps: [hang up]\npath: [welcome, hours]", "path: 2 nodes expected, the way has 1"),
    ("steps: [hang up]\nresult: talked", "result: talked expected, it is hung_up"),
]


@pytest.mark.parametrize(("text", "told"), BAD)
def test_a_failure_says_what_came_instead(text: str, told: str) -> None:
    assert told in (held(text).failure or "")


def test_what_was_cut_was_not_heard() -> None:
    failure = held("mocks: {hours: open, group: busy}\nsteps: [{wait: 1}, {press: 1}, {hear: Ventes}]").failure or ""
    assert "heard “Bonjour”, “Ventes, tapez 1. Support, tapez 2.” (cut)" in failure


def test_a_message_is_left() -> None:
    record = Record(prompt=say("Après le bip"), on={"recorded": NodeName("bye"), "empty": NodeName("bye")})
    on = of({"record": record, "bye": Hangup(prompt=say("Merci"))})
    assert held("steps: [{speak: 8}, say nothing, {hear: Merci}]\npath: [record recorded, bye]", on).failure is None
    assert held("steps: [say nothing, {hear: Merci}]\npath: [record empty, bye]", on).failure is None
    assert "a message is waited for" in (held("steps: []", on).failure or "")


# -- coverage ----------------------------------------------------------------------------------------------------------


def test_coverage_counts_edges_and_names_those_nobody_goes_along() -> None:
    found = coverage(company(), [held(text).run for text in GOOD])
    main = Slug("main")
    assert found.counts[Edge(main, NodeName("welcome"), "done")] == 4
    assert found.counts[Edge(main, NodeName("sales"), "nobody")] == 1
    assert Edge(main, NodeName("choice"), "no_match") in found.missed
    told = as_text(found, company())
    assert told.startswith(f"{11 - len(found.missed)} of 11 edges ({found.percent} %)\n")
    assert "  nobody goes from choice by no_match to regret" in told


def test_a_scenario_without_edges_is_covered() -> None:
    assert coverage(of({"bye": Hangup()}), []).percent == 100


def nested() -> Program:
    survey = scenario(
        {"ask": Play(prompt=say("Satisfait ?"), next=NodeName("end")), "end": Return(outcome="given")},
        name="survey",
        outcomes=("given",),
    )
    main = scenario(
        {
            "survey": Subflow(scenario=Slug("survey"), on={"given": NodeName("group")}),
            "group": Group(group=Slug("sales"), on={"not_taken": NodeName("away")}),
            "away": Transfer(scenario=Slug("night")),
        }
    )
    night = scenario(
        {
            "look": Lookup(table=Slug("contacts"), key=Expression("caller"), on={"none": NodeName("bye")}),
            "bye": Hangup(),
        },
        name="night",
    )
    return program(main, survey, night)


def test_a_way_through_other_scenarios() -> None:
    found = held(
        "mocks: {group: busy, lookup: many}\nsteps: []\npath: [survey, survey/ask, survey/end, group, away, "
        "night/look, night/bye]",
        nested(),
    )
    assert found.failure is None
    assert way(found.run).startswith("survey (given) > survey/ask (done) > survey/end (given) > group (busy)")
    assert list(gone_along(nested(), found.run)) == [
        Edge(Slug("main"), NodeName("survey"), "given"),
        Edge(Slug("survey"), NodeName("ask"), "done"),
        Edge(Slug("main"), NodeName("group"), "not_taken"),
        Edge(Slug("night"), NodeName("look"), "none"),
    ]


def test_time_is_told() -> None:
    assert held("steps: [{wait: 4}, hang up]").seconds == 4.0
