"""Types: every expression against the variables, and every value against the variable that takes it."""

from engine.domain.scenario import expressions
from engine.domain.scenario.graph import AnyNode, Expression, Lookup, NodeName, Set, ValueType, Variable
from engine.errors import InvalidValue
from engine.scenarios.check.reporting import Part
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.uses import reads, writes

_OF: dict[type, ValueType] = {str: "text", int: "number", bool: "flag"}


def check(subject: Subject) -> None:
    for name, var in subject.scenario.vars.items():
        if var.default is not None and _OF[type(var.default)] != var.type:
            told = f"the default of {name} is a {_OF[type(var.default)]}, and {name} a {var.type}"
            subject.find("S505", ("vars", name, "default"), told)
    for at, node in subject.scenario.nodes.items():
        for read in reads(node):
            found = type_of(subject, at, read.part, read.expression)
            if found is not None and found not in read.wanted:
                wanted = " or a ".join(read.wanted)
                subject.find("S505", read.part, f"`{read.expression}` is a {found}; a {wanted} is needed", at)
            elif found is not None and isinstance(node, Set):
                _into(subject, at, read.part, Variable(str(read.part[-1])), found)
        _written(subject, at, node)


def type_of(
    subject: Subject, node: NodeName, part: Part, expression: Expression, *, told: bool = False
) -> ValueType | None:
    """The type of an expression; None for one that is wrong, which is found unless it is told elsewhere."""
    if Variable(expression) in subject.types:
        return subject.types[Variable(expression)]
    try:
        return expressions.type_of(expression, subject.types)
    except InvalidValue as wrong:
        if not told:
            unknown = expressions.variables_in(expression) - subject.types.keys()
            undeclared = [name for name in sorted(unknown) if f"undeclared reference to '{name}" in wrong.message]
            for name in undeclared:
                subject.find("S501", part, f"{name} is not declared under `vars`", node)
            if not undeclared:
                subject.find("S504", part, wrong.message, node)
        return None


def _written(subject: Subject, name: NodeName, node: AnyNode) -> None:
    for write in writes(node):
        if write.type is not None:
            _into(subject, name, write.part, write.variable, write.type)
    if isinstance(node, Lookup) and subject.house.tables is not None:
        columns = subject.house.tables.get(node.table) or {}
        for variable, column in node.into.items():
            if column in columns:
                _into(subject, name, ("into", variable), variable, columns[column], columns=True)


def _into(
    subject: Subject, name: NodeName, part: Part, variable: Variable, type_: ValueType, *, columns: bool = False
) -> None:
    """A column of any type fits into a text."""
    var = subject.scenario.vars.get(variable)
    if var is not None and var.type != type_ and not (columns and var.type == "text"):
        subject.find("S505", part, f"{variable} is a {var.type}, and gets a {type_}", name)
