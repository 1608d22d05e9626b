"""The checker: what is wrong with a scenario, found before any caller meets it, and the proof that all of them get out.

Pure, and fast enough to run at each keystroke of an editor. Every check is a function of a `Subject`, a scenario on the
table; `codes.py` says what they find.
"""

import msgspec

from engine.domain.scenario.graph import Program
from engine.scenarios.check import (
    circles,
    digits,
    hearing,
    keys,
    kinds,
    languages,
    limits,
    names,
    prompts,
    sensitive,
    structure,
    subflows,
    times,
    variables,
    web,
)
from engine.scenarios.check.proof import Proof, Prover
from engine.scenarios.check.reporting import Desk, Places
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.ways import all_ways
from engine.scenarios.findings import Finding, in_order, sound
from engine.scenarios.house import House

_CHECKS = (
    structure.check,
    circles.check,
    names.check,
    keys.check,
    digits.check,
    times.check,
    variables.check,
    kinds.check,
    prompts.check,
    subflows.check,
    web.check,
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    findings: tuple[Finding, ...]
    proof: tuple[Proof, ...]

    @property
    def good(self) -> bool:
        """Whether nothing forbids to publish."""
        return sound(self.findings)


def check(program: Program, house: House, places: Places) -> Report:
    """Everything that is wrong with a program, in order of the files, and its proof."""
    desk = Desk(places)
    ways = all_ways(program)
    proofs = {proof.scenario: proof for proof in Prover(program, ways, house).prove()}
    secrets = sensitive.sensitive(program)
    states = hearing.states(program, ways)
    spoken = languages.states(program, ways)
    circle_of_runs = subflows.circles(program)
    for name, scenario in program.scenarios.items():
        subject = Subject(program, scenario, ways[name], house, desk)
        for each in _CHECKS:
            each(subject)
        sensitive.check(subject, secrets[name])
        hearing.check(subject, states)
        languages.check(subject, spoken)
        subflows.check_circles(subject, circle_of_runs)
        if name == program.main and name in proofs:
            limits.check(subject, proofs[name])
    return Report(findings=in_order(desk.findings), proof=tuple(proofs.values()))
