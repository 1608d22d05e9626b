"""docs/outcomes.md says what engine/domain/verdicts.py decides."""

from typing import get_args

from engine.domain import verdicts
from engine.domain.cdr import Outcome
from tests.docs.tables import DOCS, tables, words

AGENT, CUSTOMER, *_ = tables("outcomes.md")


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
