"""Whatever a program is, it is checked: nothing is raised, and what is found says where."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.scenario.graph import Expression, NodeName, Program, Switch
from engine.domain.values import Slug
from engine.scenarios.check import check
from engine.scenarios.check.codes import CODES
from engine.scenarios.house import UNKNOWN
from tests.scenarios.check.nowhere import Nowhere
from tests.scenarios.check.programs import MAIN, SUB, programs
from tests.scenarios.checking import HOUSE

NOWHERE = NodeName("nowhere")
ODD = st.one_of(st.text(max_size=20), st.sampled_from(["n +", "((((", "[n, n]", "nobody == 1", "1 / 0 == n", "code"]))


def broken(draw: st.DataObject, program: Program) -> Program:
    """The same, with nodes and scenarios that are not there, and expressions that are none."""
    scenarios = dict(program.scenarios)
    if draw.draw(st.booleans()):
        del scenarios[SUB]
    main = scenarios[MAIN]
    kept = draw.draw(st.sets(st.sampled_from(sorted(main.nodes)), min_size=1))
    nodes = {name: node for name, node in main.nodes.items() if name in kept}
    for name, node in nodes.items():
        if isinstance(node, Switch):
            cases = tuple(msgspec.structs.replace(case, when=Expression(draw.draw(ODD))) for case in node.cases)
            nodes[name] = msgspec.structs.replace(node, cases=cases)
    fields = {field: draw.draw(st.sampled_from([*main.nodes, NOWHERE])) for field in ("start", "on_error", "on_hangup")}
    scenarios[MAIN] = msgspec.structs.replace(main, nodes=nodes, **fields)
    return msgspec.structs.replace(program, scenarios=scenarios)


@given(program=programs(), draw=st.data(), known=st.booleans())
def test_any_program_is_checked(program: Program, draw: st.DataObject, known: bool) -> None:
    made = broken(draw, program)

    report = check(made, HOUSE if known else UNKNOWN, Nowhere())

    assert {finding.code for finding in report.findings} <= CODES.keys()
    for finding in report.findings:
        assert finding.scenario in made.scenarios
        assert not finding.node or finding.node in made.scenarios[Slug(finding.scenario)].nodes
    for proof in report.proof:
        assert 0 < proof.idle.steps <= proof.anyone.steps
        assert 0 <= proof.idle.seconds <= proof.anyone.seconds
