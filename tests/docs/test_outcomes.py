"""docs/outcomes.md says what engine/domain/verdicts.py decides."""

from typing import get_args

from engine.domain import verdicts
from engine.domain.cdr import Outcome
from engine.domain.stages import Verdict
from tests.docs.tables import DOCS, tables, words

AGENT, CUSTOMER, GROUP, CALLER, *_ = tables("outcomes.md")


def test_every_outcome_is_named() -> None:
    page = (DOCS / "outcomes.md").read_text(encoding="utf-8")
    assert [outcome for outcome in get_args(Outcome) if f"`{outcome}`" not in page] == []


def test_what_becomes_of_an_agent_who_cannot_be_had() -> None:
    told = {(words(outcome)[0], by) for _, outcome, by, _ in AGENT}
    fixed = {(v.outcome, v.hangup_by) for v in (verdicts.AGENT_RANG_OUT, verdicts.NO_HUMAN)}
    assert set(verdicts._AGENT.values()) | fixed == told


def test_what_becomes_of_a_customer_who_cannot_be_had_and_what_the_agent_hears() -> None:
    told = {(words(outcome)[0], by, words(heard)[0]) for _, outcome, by, _, heard in CUSTOMER}
    rang_out = verdicts.CUSTOMER_RANG_OUT
    decided = {*verdicts._CUSTOMER.values(), (rang_out.outcome, rang_out.hangup_by, "customer-no-answer")}
    assert decided == told


def test_what_a_customer_hears_whom_nobody_answered() -> None:
    for outcomes, of_agent, of_group, told in CALLER:
        for outcome in (word for word in get_args(Outcome) if f"`{word}`" in outcomes):
            verdict = Verdict(outcome=outcome, hangup_by="engine", cause=int(told))
            assert verdicts.told_to_caller(verdict) == int(told)
            assert words(of_group)[0] == verdicts.spoken_to_caller(verdict, for_group=True)
            assert not of_agent or words(of_agent)[0] == verdicts.spoken_to_caller(verdict, for_group=False)
