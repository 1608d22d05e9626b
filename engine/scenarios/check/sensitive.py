"""What a caller typed in confidence: where it may go, and where not.

The scenario has but a word that stands for a sensitive input (`engine.domain.scenario.secrets`). The input itself is
filled in where the house asks with it: the key of a lookup, the body of a fetch. Everywhere else it would be heard,
seen, stored or sent on (S506), or decided on, which is to decide on the word (S507). A text made of it is as sensitive;
a number or flag made of it is made of the word.
"""

from collections.abc import Iterator

from engine.domain.scenario.expressions import variables_in
from engine.domain.scenario.graph import AnyNode, Collect, Program, Set, Subflow, Variable
from engine.domain.values import Slug
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.uses import Fate, Read, reads

Sensitive = dict[Slug, set[Variable]]

_LEAKS: dict[Fate, str] = {
    "said": "is said",
    "url": "is put into a URL, which every server on the way writes down",
    "told": "is told to applications",
    "shown": "is stored in the record of the call",
}


def sensitive(program: Program) -> Sensitive:
    """The sensitive variables of every scenario, over subflows and back."""
    found: Sensitive = {name: set() for name in program.scenarios}
    grown = True
    while grown:
        grown = False
        for name, scenario in program.scenarios.items():
            for node in scenario.nodes.values():
                for slug, variable in _made_sensitive(program, name, node, found):
                    grown |= variable not in found[slug]
                    found[slug].add(variable)
    return found


def check(subject: Subject, variables: set[Variable]) -> None:
    if not variables:
        return
    for name, node in subject.scenario.nodes.items():
        if isinstance(node, Collect) and node.sensitive and node.confirm:
            subject.find("S506", ("confirm",), f"{node.into} would be read back to be confirmed", name)
        for read in reads(node):
            for variable in sorted(variables_in(read.expression) & variables):
                if read.fate in _LEAKS:
                    subject.find("S506", read.part, f"{variable}, a sensitive input, {_LEAKS[read.fate]}", name)
                elif read.fate == "decides" or _is_made_of(subject, node, read):
                    subject.find("S507", read.part, f"{variable} is a sensitive input: it cannot be looked at", name)


def _is_made_of(subject: Subject, node: AnyNode, read: Read) -> bool:
    """Whether a number or a flag is made of it."""
    return isinstance(node, Set) and subject.types.get(Variable(str(read.part[-1]))) != "text"


def _made_sensitive(program: Program, name: Slug, node: AnyNode, known: Sensitive) -> Iterator[tuple[Slug, Variable]]:
    types = program.scenarios[name].vars
    match node:
        case Collect(sensitive=True, into=into):
            yield name, into
        case Set(values=values):
            for variable, expression in values.items():
                if variable in types and types[variable].type == "text" and variables_in(expression) & known[name]:
                    yield name, variable
        case Subflow(scenario=other) if other in known:
            for theirs, expression in node.params.items():
                if variables_in(expression) & known[name]:
                    yield other, theirs
            for ours, theirs in node.results.items():
                if theirs in known[other]:
                    yield name, ours
        case _:
            pass
