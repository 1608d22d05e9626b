"""A call on a virtual clock."""

import pytest

from engine.domain.scenario.graph import (
    Collect,
    Expression,
    Fetch,
    Group,
    Hangup,
    Lookup,
    NodeName,
    Play,
    Record,
    Ring,
    Template,
    Variable,
    Voicemail,
)
from engine.domain.scenario.secrets import MASKED
from engine.domain.values import Slug
from engine.scenarios.answers import Answer, Asked
from engine.scenarios.simulator import RINGS_S, Answered, HungUp, Over, Pressed, Said, Silent, Simulation
from tests.domain.scenario.caller import of, say, texts
from tests.scenarios.calls import call, company, runs, way

OPEN = {"hours office": "open"}
BYE = Hangup()


def said(simulation: Simulation) -> list[str]:
    return [
        simulation.ears.text(event.speak.items, event.speak.language) + ("…" if event.cut else "")
        for event in simulation.story
        if isinstance(event, Said)
    ]


def test_a_caller_chooses_and_talks() -> None:
    simulation = runs(call(company(), {**OPEN, "group sales": "talked 40"}))
    simulation.press("1")
    asked_at = simulation.now
    runs(simulation)
    assert way(simulation)[-1] == ("sales", "talked")
    assert said(simulation) == ["Bonjour", "Ventes, tapez 1. Support, tapez 2."]
    assert simulation.story[-1] == Over(at=asked_at + RINGS_S + 40, end="talked")
    assert simulation.over
    assert not simulation.passes()


def test_a_key_cuts_what_is_said() -> None:
    simulation = call(company(), {**OPEN, "agents": "nobody"})
    while simulation.said is None or not said(simulation)[-1].startswith("Ventes"):
        simulation.passes()
    simulation.waits(0.5)
    simulation.press("2")
    assert said(simulation)[-1] == "Ventes, tapez 1. Support, tapez 2.…"
    assert way(runs(simulation))[-2:] == [("support", "nobody"), ("regret", "ended")]


def test_silence_is_told_and_leads_out() -> None:
    simulation = runs(call(company(), OPEN))
    for _ in range(2):
        simulation.passes()
        runs(simulation)
    assert way(simulation)[-2:] == [("choice", "no_input"), ("regret", "ended")]
    assert sum(isinstance(event, Silent) for event in simulation.story) == 2


def test_time_stands_still_until_an_open_question_is_answered() -> None:
    simulation = runs(call(company()))
    assert simulation.open is not None
    assert simulation.open.asked == Asked("hours", ("office",))
    assert not simulation.passes()
    simulation.answer(Answer(outcome="closed"))
    assert isinstance(simulation.story[-1], Answered)
    assert way(runs(simulation))[-2:] == [("hours", "closed"), ("regret", "ended")]


def test_an_answer_to_nothing_changes_nothing() -> None:
    simulation = runs(call(company(), OPEN))
    before = simulation.run
    simulation.answer(Answer(outcome="closed"))
    assert simulation.run is before


def test_who_waits_for_too_long_waits_in_vain() -> None:
    simulation = runs(call(company()))
    simulation.waits(6.0)
    assert simulation.open is None
    assert ("hours", "error") in way(simulation)


def test_a_slow_answer_is_filled_with_words() -> None:
    fetch = Fetch(
        url=Template("https://example.org"),
        filler=say("Un instant"),
        next=NodeName("bye"),
        on={"error": NodeName("bye")},
    )
    program = of({"hello": Play(prompt=say("Bonjour"), next=NodeName("fetch")), "fetch": fetch, "bye": BYE})
    simulation = runs(call(program, {"fetch": "done 4.5"}))
    assert said(simulation) == ["Bonjour", "Un instant"]
    assert way(simulation)[1] == ("fetch", "done")


@pytest.mark.parametrize("at", ["Bonjour", "choice", "sales"])
def test_a_caller_may_hang_up_anywhere(at: str) -> None:
    simulation = call(company(), OPEN)
    if at != "Bonjour":
        runs(simulation)
    if at == "sales":
        simulation.press("1")
        assert simulation.open is not None
    simulation.hang_up()
    simulation.hang_up()
    assert simulation.story[-2:] == [HungUp(at=simulation.now), Over(at=simulation.now, end="hung_up")]
    assert simulation.open is None


def test_after_the_end_keys_are_nobodys() -> None:
    simulation = call(company(), OPEN)
    simulation.hang_up()
    simulation.press("12")
    assert not any(isinstance(event, Pressed) for event in simulation.story)


@pytest.mark.parametrize(
    ("answer", "outcome", "seconds"),
    [
        ("talked", "talked", 66.0),
        ("after 10", "talked", 16.0),
        ("busy", "busy", 2.0),
        ("not_taken", "not_taken", 30.0),
        ("not_taken 12", "not_taken", 12.0),
    ],
)
def test_somebody_or_nobody_talks_to_the_caller(answer: str, outcome: str, seconds: float) -> None:
    ring = Ring(agents=(Slug("ana"),), max_s=30, on={"not_taken": NodeName("bye"), "busy": NodeName("bye")})
    simulation = runs(call(of({"ring": ring, "bye": BYE}), {"ring ana": answer}))
    assert way(simulation)[0] == ("ring", outcome)
    assert simulation.now == seconds


def test_a_caller_who_stays_goes_on_after_the_talk() -> None:
    group = Group(group=Slug("sales"), on={"after": NodeName("bye")})
    simulation = runs(call(of({"group": group, "bye": BYE}), {"group": "after 10"}))
    assert way(simulation) == [("group", "after"), ("bye", "ended")]


def recording() -> Simulation:
    record = Record(prompt=say("Après le bip"), into=Variable("message"), silence_s=4, on={"empty": NodeName("bye")})
    return runs(call(of({"record": record, "bye": BYE}, vars=texts("message"))))


def test_a_message_ends_by_silence() -> None:
    simulation = recording()
    assert simulation.recording
    simulation.speak(10)
    began = simulation.now
    simulation.passes()
    assert simulation.now == began + 4
    assert way(simulation)[0] == ("record", "recorded")


def test_a_message_ends_by_a_key_and_by_hanging_up() -> None:
    ended = recording()
    ended.speak(3)
    ended.press("#")
    assert way(ended)[0] == ("record", "recorded")
    left = recording()
    left.speak(3)
    left.hang_up()
    assert left.run.path[0].message is not None


def test_who_says_nothing_leaves_no_message() -> None:
    simulation = recording()
    simulation.passes()
    assert way(simulation)[0] == ("record", "empty")


def test_words_outside_a_recording_are_kept_by_nobody() -> None:
    simulation = runs(call(company(), OPEN))
    simulation.speak(1)
    assert not simulation.recording


def test_a_full_disk_records_nothing() -> None:
    mailbox = Voicemail(mailbox=Slug("sales"), on={"error": NodeName("bye")})
    simulation = runs(call(of({"voicemail": mailbox, "bye": BYE}), {"record": "error"}))
    assert way(simulation)[0] == ("voicemail", "error")


def secretive() -> Simulation:
    card = Collect(
        prompt=say("Votre code"),
        into=Variable("code"),
        sensitive=True,
        min_digits=4,
        valid="[0-4]+",
        clear_key="*",
        next=NodeName("look"),
        on={"no_match": NodeName("bye")},
    )
    look = Lookup(table=Slug("codes"), key=Expression("code"), on={"none": NodeName("bye"), "found": NodeName("bye")})
    program = of({"card": card, "look": look, "bye": BYE}, vars=texts("code"))
    return runs(call(program, {"lookup codes": "found"}))


@pytest.mark.parametrize("typed", ["1234#", "99*1234#", "9#1234#", "9999#1234#"])
def test_a_sensitive_input_is_seen_by_nobody(typed: str) -> None:
    """What was cleared, too short or wrong before is no part of it."""
    simulation = secretive()
    for key in typed:
        simulation.press(key)
        if key == "#":
            runs(simulation)
    assert way(runs(simulation))[:2] == [("card", "done"), ("look", "found")]
    assert {event.key for event in simulation.story if isinstance(event, Pressed)} <= {MASKED, "#", "*"}
