"""Any program that the checker would let pass: for hypothesis to draw.

Its nodes lead anywhere, so that callers go round in circles; its limits are small. Two scenarios: `main`, and `sub`,
which it may run as a subflow, or go on in. What is typed in secret is to be of `SECRET` keys alone, and nothing else in
a program or an answer has one of these characters.
"""

from typing import Any

from hypothesis import strategies as st

from engine.domain.scenario.graph import (
    AnyNode,
    Barge,
    Callback,
    Case,
    Collect,
    Digits,
    Expression,
    Fetch,
    Group,
    Hangup,
    Hours,
    Incident,
    Limits,
    Lookup,
    Menu,
    NodeName,
    Notify,
    Number,
    Play,
    Program,
    Prompt,
    Record,
    Return,
    Ring,
    Scenario,
    Set,
    SetLanguage,
    Subflow,
    Switch,
    Template,
    Transfer,
    Var,
    Variable,
    Voicemail,
)
from engine.domain.values import Slug
from tests.domain.scenario.caller import program, say

SECRET = "ABCD"
OPEN = "0123456789*#"
"""Keys of everybody else."""
TEXT, CODE, PIN, COUNT, VIP = map(Variable, ("text", "code", "pin", "count", "vip"))
VARS: dict[Variable, Var] = {
    TEXT: Var(type="text", default="un"),
    CODE: Var(type="text"),
    PIN: Var(type="text"),
    COUNT: Var(type="number", default=0),
    VIP: Var(type="flag", default=False),
}
NAMES = [NodeName(f"n{number}") for number in range(6)]
SUB = Slug("sub")

somewhere = st.sampled_from(NAMES)
barges: st.SearchStrategy[Barge] = st.sampled_from(("stop", "buffer", "ignore"))
questions = st.sampled_from(("1", "true", "'abc'", "string(count)", "text", "code", "pin", "caller")).map(Expression)
tries = st.integers(1, 3)


@st.composite
def prompts(draw: st.DrawFn, least: int = 0) -> Prompt:
    """Of up to three items, some of which may have no value to be said."""
    barge: list[Barge] = draw(st.lists(barges, min_size=least, max_size=3))
    return tuple(item for one in barge for item in draw(st.sampled_from(_items(one))))


def _items(barge: Barge) -> list[Prompt]:
    return [
        say("bonjour", barge),
        say("{text} {vip}", barge),
        say("{code}", barge),
        (Digits(digits=Expression("caller"), barge=barge),),
        (Number(number=Expression("count"), barge=barge),),
    ]


def edges(*outcomes: str) -> st.SearchStrategy[dict[str, NodeName]]:
    """Some of these outcomes lead somewhere by themselves."""
    return st.dictionaries(st.sampled_from(outcomes), somewhere, max_size=len(outcomes))


asked: dict[str, Any] = {
    "prompt": prompts(),
    "tries": tries,
    "no_input_prompt": prompts(),
    "no_match_prompt": prompts(),
    "flush": st.booleans(),
    "next": somewhere,
    "on": edges("no_input", "no_match"),
}
collected: dict[str, Any] = {
    **asked,
    "min_digits": st.integers(0, 3),
    "max_digits": st.integers(3, 5),
    "terminators": st.sampled_from(("#", "", "*#")),
    "clear_key": st.sampled_from(("", "*")),
}
reached: dict[str, Any] = {"next": somewhere, "on": edges("busy", "nobody", "error", "after")}
choices = st.dictionaries(st.sampled_from(("1", "2", "22", "3", "#")), somewhere, min_size=1)
cases = somewhere.map(lambda to: (Case(when=Expression("vip"), to=to),))
given = {TEXT: Expression("caller")}
EVERY: tuple[st.SearchStrategy[AnyNode], ...] = (
    st.builds(Play, prompt=prompts(), unanswered=st.booleans(), next=somewhere),
    st.builds(Menu, keys=choices, **asked),
    st.builds(Collect, into=st.just(CODE), valid=st.sampled_from(("", "[0-9]{3}")), confirm=prompts(), **collected),
    st.builds(Collect, into=st.just(PIN), sensitive=st.just(True), **collected),
    st.builds(Record, prompt=prompts(1), into=st.sampled_from((None, TEXT)), next=somewhere, on=edges("empty")),
    st.builds(Switch, cases=cases, next=somewhere),
    st.builds(Set, values=st.just({COUNT: Expression("count + 1"), VIP: Expression("!vip")}), next=somewhere),
    st.builds(Set, values=st.just({TEXT: Expression("text + text")}), next=somewhere, on=edges("error")),
    st.builds(Hours, calendar=st.just(Slug("site")), next=somewhere, on=edges("closed", "holiday", "error")),
    st.builds(Incident, flags=st.just((Slug("strike"),)), into=st.just(TEXT), next=somewhere, on=edges("clear")),
    st.builds(
        Lookup,
        table=st.just(Slug("table")),
        key=questions,
        into=st.just({TEXT: "text", VIP: "vip"}),
        next=somewhere,
        on=edges("none", "many", "error"),
    ),
    st.builds(
        Fetch,
        url=st.just(Template("https://crm/{text}")),
        body=questions.map(lambda value: {"value": value}),
        into=st.just({COUNT: "count"}),
        filler=prompts(),
        next=somewhere,
        on=edges("error"),
    ),
    st.builds(Ring, agents=st.just((Slug("ana"),)), **reached),
    st.builds(Group, named_by=questions, **reached),
    st.builds(Transfer, switchboard=st.just(True), **reached),
    st.just(Transfer(scenario=SUB)),
    st.builds(Voicemail, mailbox=st.just(Slug("box")), prompt=prompts(), next=somewhere, on=edges("empty")),
    st.builds(Callback, queue=st.just(Slug("box")), prompt=prompts(), tries=tries, next=somewhere, on=edges("refused")),
    st.builds(SetLanguage, language=st.sampled_from(("fr", "en")), next=somewhere),
    st.builds(Notify, event=st.just("event"), variables=st.sampled_from(((), (TEXT,), (PIN,))), next=somewhere),
    st.builds(Hangup, prompt=prompts(), reason=st.sampled_from(("normal", "busy"))),
)
RETURN: st.SearchStrategy[AnyNode] = st.builds(Return, outcome=st.sampled_from(("good", "bad")))
SUBFLOW: st.SearchStrategy[AnyNode] = edges("good", "bad", "error").map(
    lambda on: Subflow(scenario=SUB, params=given, results={CODE: CODE, COUNT: COUNT, PIN: PIN}, on=on)
)


def scenarios(name: Slug) -> st.SearchStrategy[Scenario]:
    """One that is run by the other, or runs it."""
    node = st.one_of(*EVERY, RETURN if name == SUB else SUBFLOW)
    return st.builds(
        Scenario,
        scenario=st.just(name),
        languages=st.just(("fr", "en")),
        vars=st.just(VARS),
        start=st.just(NAMES[0]),
        on_error=st.just(NAMES[-1]),
        on_hangup=st.one_of(st.none(), somewhere),
        limits=st.builds(Limits, steps=st.integers(1, 30), visits=st.integers(1, 6), duration_s=st.integers(5, 90)),
        nodes=st.fixed_dictionaries(dict.fromkeys(NAMES, node)),
    )


PROGRAMS: st.SearchStrategy[Program] = st.builds(program, scenarios(Slug("main")), scenarios(SUB))
"""Any two scenarios."""
