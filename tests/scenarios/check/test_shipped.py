"""The scenarios that come with the engine have nothing wrong with them, and let every caller go."""

from pathlib import Path

import pytest

from engine.domain.values import Slug
from engine.scenarios.check.files import check_loaded
from engine.scenarios.house import UNKNOWN
from engine.scenarios.program import load_program, scenario_names

SHIPPED = Path(__file__).resolve().parents[3] / "ivr_scenarios"


@pytest.mark.parametrize("name", scenario_names(SHIPPED))
def test_nothing_is_wrong_and_whoever_says_nothing_gets_out_without_the_limits(name: Slug) -> None:
    report = check_loaded(load_program(SHIPPED, name), UNKNOWN)

    assert {finding.code for finding in report.findings} <= {"S390"}
    assert all(proof.idle.limits == () for proof in report.proof)
