"""Limits against what the proof says: they are for what does not end by itself, not for a caller on his way."""

from engine.scenarios.check import walks
from engine.scenarios.check.proof import Proof
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.ways import ENDS, REACHING


def check(subject: Subject, proof: Proof) -> None:
    """Of the program's main scenario: its limits hold for all of a run."""
    scenario, limits = subject.scenario, subject.scenario.limits
    nodes = scenario.nodes
    shortest = walks.shortest(subject.leads, scenario.start, lambda name: isinstance(nodes[name], (*ENDS, *REACHING)))
    if len(shortest) > limits.steps:
        told = f"steps is {limits.steps}, and the shortest way has {len(shortest)}: {' -> '.join(shortest[:8])}"
        subject.find("S901", ("limits", "steps"), told)
    elif not proof.idle.because:
        for field in proof.idle.limits:
            value = getattr(limits, field)
            told = f"{field} is {value}, and a caller who says nothing may need more"
            subject.find("S902", ("limits", field), told)
