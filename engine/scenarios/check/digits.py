"""Digit rules that nobody can obey."""

from engine.domain.scenario import expressions
from engine.domain.scenario.graph import Collect, NodeName
from engine.errors import InvalidValue
from engine.scenarios.check import patterns
from engine.scenarios.check.subject import Subject

KEYS = "0123456789*#"


def check(subject: Subject) -> None:
    for name, node in subject.scenario.nodes.items():
        if isinstance(node, Collect):
            _counts(subject, name, node)
            _ends(subject, name, node)
            _valid(subject, name, node)


def _counts(subject: Subject, name: NodeName, node: Collect) -> None:
    if node.max_digits < 1:
        subject.find("S403", ("max_digits",), f"max_digits is {node.max_digits}", name)
    elif node.min_digits > node.max_digits:
        told = f"min_digits is {node.min_digits}, and max_digits {node.max_digits}"
        subject.find("S403", ("min_digits",), told, name)


def _ends(subject: Subject, name: NodeName, node: Collect) -> None:
    for part, keys in (("terminators", node.terminators), ("clear_key", node.clear_key)):
        digits = sorted(key for key in keys if key.isdecimal())
        if digits:
            subject.find("S404", (part,), f"{' '.join(digits)} could never be typed: it is among the {part}", name)
    if node.clear_key and node.clear_key in node.terminators:
        subject.find("S404", ("clear_key",), f"{node.clear_key} is a terminator too", name)


def _valid(subject: Subject, name: NodeName, node: Collect) -> None:
    if not node.valid:
        return
    try:
        expressions.fits(node.valid, "0")
    except InvalidValue as wrong:
        why = wrong.message.rpartition("regular expression: ")[2]
        subject.find("S405", ("valid",), f"`{node.valid}` cannot be read: {why}", name)
        return
    keys = "".join(key for key in KEYS if key not in node.terminators + node.clear_key)
    found = patterns.lengths(node.valid, keys)
    if found is None or node.max_digits > patterns.LONGEST or node.min_digits > node.max_digits:
        return
    allowed = ((1 << (node.max_digits + 1)) - 1) & ~((1 << node.min_digits) - 1)
    if not found & allowed:
        told = f"no {node.min_digits} to {node.max_digits} keys of {keys} fit `{node.valid}`"
        subject.find("S406", ("valid",), told, name)
