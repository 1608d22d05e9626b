"""What a scenario is: a map of named nodes whose edges are named inside their source node, and no coordinates.

These types are the file format: `engine.scenarios` reads YAML into them, and makes the JSON Schema for editors of
them. Durations are seconds. Every node has a closed set of outcomes (`outcomes.py`); an edge leads from an outcome to a
node, and a fault in a node without an edge for it leads to the scenario's `on_error`.
"""

from functools import cached_property
from typing import Annotated, Literal, NewType

import msgspec

from engine.domain.directory import Language
from engine.domain.scenario import forms
from engine.domain.values import E164, Extension, Slug

NodeName = NewType("NodeName", str)  # a-z, 0-9, hyphens and underscores; unique within its scenario
Variable = NewType("Variable", str)
Outcome = str
Expression = NewType("Expression", str)  # CEL over the scenario's variables, see `expressions.py`
Template = NewType("Template", str)  # text with {variable} in it
Text = dict[Language, str]
ValueType = Literal["text", "number", "flag"]
Value = str | int | bool
Barge = Literal["stop", "buffer", "ignore"]
"""A key pressed during an item: ends the prompt; or is kept for the next input, and the prompt goes on; or is lost."""

Reason = Literal["normal", "busy", "congestion"]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not known in a file is a fault in it."""


# -- prompts -----------------------------------------------------------------------------------------------------------


class Item(Strict, frozen=True, kw_only=True, tag_field="kind"):
    """One thing said in a prompt."""

    barge: Barge = "stop"


class Say(Item, frozen=True, kw_only=True, tag="say"):
    """Words, spoken by the house's speech engine: when the scenario is published, or, with {variable}, when heard."""

    say: dict[Language, Template]


class File(Item, frozen=True, kw_only=True, tag="file"):
    """A recording of ours, in the caller's language."""

    file: Slug


class Sound(Item, frozen=True, kw_only=True, tag="sound"):
    """One of Asterisk's own sounds, such as `vm-goodbye` or `digits/today`."""

    sound: forms.SoundName


class Digits(Item, frozen=True, kw_only=True, tag="digits"):
    """A text of digits, one by one."""

    digits: Expression


class Number(Item, frozen=True, kw_only=True, tag="number"):
    """A whole number, as one says it."""

    number: Expression


class Date(Item, frozen=True, kw_only=True, tag="date"):
    """A day, written 2026-05-01."""

    date: Expression


class Pause(Item, frozen=True, kw_only=True, tag="pause"):
    pause: forms.Patience


Said = Say | File | Sound | Digits | Number | Date | Pause
Prompt = tuple[Said, ...]


# -- nodes -------------------------------------------------------------------------------------------------------------


class Node(Strict, frozen=True, kw_only=True, tag_field="type"):
    """`next` is the edge of the node's first outcome, `on` of the others (or of all)."""

    next: NodeName | None = None
    on: dict[Outcome, NodeName] = {}
    note: str = ""  # for whoever reads the scenario; shown in its picture


class Play(Node, frozen=True, kw_only=True, tag="play"):
    """Say something. `unanswered`: before the call is answered, as early media, so that the caller does not pay."""

    prompt: Prompt
    unanswered: bool = False


class Listening(Node, frozen=True, kw_only=True):
    """What menu and collect share.

    `first_timeout_s` counts from the end of the prompt, `inter_digit_timeout_s` from the last key. `tries`: how often
    the caller may be silent, and how often be wrong, each counted by itself, before it is left by `no_input` or
    `no_match`. Without prompts of their own for these, the whole prompt is said again. `flush`: keys typed ahead are
    forgotten.
    """

    prompt: Prompt
    tries: forms.Tries = 3
    no_input_prompt: Prompt = ()
    no_match_prompt: Prompt = ()
    first_timeout_s: forms.Patience = 5.0
    inter_digit_timeout_s: forms.Patience = 3.0
    flush: bool = False


class Menu(Listening, frozen=True, kw_only=True, tag="menu"):
    """The caller chooses by key. Keys may have several digits; one that begins another costs a timeout."""

    keys: dict[forms.Keys, NodeName]


class Collect(Listening, frozen=True, kw_only=True, tag="collect"):
    """The caller types digits into the variable `into`, a text.

    `terminators` end the input, `clear_key` begins it anew. `valid` is a regular expression for the whole of it (RE2).
    `confirm`: said after the input is read back; 1 takes it, 2 asks for it again. `sensitive`: nobody ever sees it: it
    is masked in the journal, the record and every log, and a recording that runs is muted meanwhile.
    """

    into: Variable
    min_digits: forms.Length = 1
    max_digits: forms.Length = 20
    terminators: forms.SomeKeys = "#"
    clear_key: forms.OneKey = ""
    valid: str = ""
    confirm: Prompt = ()
    sensitive: bool = False


class Record(Node, frozen=True, kw_only=True, tag="record"):
    """Record a message; its name is put `into`. The prompt must say that it is recorded."""

    prompt: Prompt
    into: Variable | None = None
    max_s: forms.Duration = 120
    min_s: forms.Silence = 2
    silence_s: forms.Silence = 5
    terminators: forms.SomeKeys = "#"
    beep: bool = True


class Case(Strict, frozen=True, kw_only=True):
    when: Expression  # of type flag
    to: NodeName


class Switch(Node, frozen=True, kw_only=True, tag="switch"):
    """The first case that holds; `next` when none does."""

    cases: tuple[Case, ...]


class Set(Node, frozen=True, kw_only=True, tag="set"):
    values: dict[Variable, Expression]


class Hours(Node, frozen=True, kw_only=True, tag="hours"):
    calendar: Slug


class Incident(Node, frozen=True, kw_only=True, tag="incident"):
    """Whether one of these flags is set; the code of the first one is put `into`."""

    flags: Annotated[tuple[Slug, ...], forms.SOME]
    into: Variable | None = None


class Lookup(Node, frozen=True, kw_only=True, tag="lookup"):
    """Find a contact by number, or a row of a declared table by its key. `into`: variable: column."""

    table: Slug  # `contacts` is the house's own contact book
    key: Expression
    into: dict[Variable, str] = {}
    timeout_s: forms.Patience = 3.0


class Fetch(Node, frozen=True, kw_only=True, tag="fetch"):
    """Ask the web for JSON, with values escaped in `url`. `into`: variable: JSON pointer. `filler`: said while slow."""

    url: Template
    method: Literal["GET", "POST"] = "GET"
    body: dict[str, Expression] = {}
    into: dict[Variable, forms.Pointer] = {}
    timeout_s: forms.Patience = 5.0
    filler: Prompt = ()


class Reaching(Node, frozen=True, kw_only=True):
    """What all nodes share that let the caller talk to somebody. `max_s` bounds the search.

    After the conversation the call is over, unless `after` has an edge: then the caller who stays goes on there.
    """

    max_s: forms.Duration = 60
    comfort: Literal["music", "tone"] = "music"


class Ring(Reaching, frozen=True, kw_only=True, tag="ring"):
    """Ring agents, or numbers outside, all at once or one after another, `ring_s` each."""

    agents: tuple[Slug, ...] = ()
    numbers: tuple[E164, ...] = ()
    strategy: Literal["ring_all", "one_by_one"] = "ring_all"
    ring_s: forms.Duration = 20


class Group(Reaching, frozen=True, kw_only=True, tag="group"):
    """Hand the caller to a call group: one named here, or the one whose name an expression gives."""

    group: Slug | None = None
    named_by: Expression | None = None


class Transfer(Reaching, frozen=True, kw_only=True, tag="transfer"):
    """To an extension, a number outside, the site's switchboard, or another scenario (which does not come back)."""

    extension: Extension | None = None
    number: E164 | None = None
    switchboard: bool = False
    scenario: Slug | None = None


class Voicemail(Node, frozen=True, kw_only=True, tag="voicemail"):
    """Leave a message for an agent or a group. Without a prompt, the house's own words ask for it."""

    mailbox: Slug
    prompt: Prompt = ()
    max_s: forms.Duration = 120
    min_s: forms.Silence = 2
    silence_s: forms.Silence = 5


class Callback(Node, frozen=True, kw_only=True, tag="callback"):
    """Store the wish to be called back. The number, the caller's own or one typed, is read back and confirmed by 1."""

    queue: Slug  # what it is for: a group, a service
    number: Expression | None = None  # default: the caller's own
    prompt: Prompt = ()
    tries: forms.Tries = 3


class Subflow(Node, frozen=True, kw_only=True, tag="subflow"):
    """Run another scenario and come back by one of its outcomes."""

    scenario: Slug
    params: dict[Variable, Expression] = {}
    results: dict[Variable, Variable] = {}  # ours: theirs


class Return(Node, frozen=True, kw_only=True, tag="return"):
    """The end of a subflow, with one of the outcomes it declares."""

    outcome: forms.OutcomeName


class SetLanguage(Node, frozen=True, kw_only=True, tag="language"):
    language: Language


class Notify(Node, frozen=True, kw_only=True, tag="notify"):
    """Tell applications (websocket, webhooks) of something, with some variables."""

    event: forms.EventName
    variables: tuple[Variable, ...] = ()


class Hangup(Node, frozen=True, kw_only=True, tag="hangup"):
    """The end. `reason` is what an unanswered caller's network is told."""

    prompt: Prompt = ()
    reason: Reason = "normal"


AnyNode = (
    Play
    | Menu
    | Collect
    | Record
    | Switch
    | Set
    | Hours
    | Incident
    | Lookup
    | Fetch
    | Ring
    | Group
    | Transfer
    | Voicemail
    | Callback
    | Subflow
    | Return
    | SetLanguage
    | Notify
    | Hangup
)


class Var(Strict, frozen=True, kw_only=True):
    """A variable. One without a default must be set before it is read; the checker sees to it.

    `param`: given by who calls the scenario as a subflow. `result`: given back. Every scenario knows besides: `caller`
    (E.164, or empty), `called`, `redirected_from`, `language` and `day` (2026-05-01, at the site), all texts.
    """

    type: ValueType
    default: Value | None = None
    param: bool = False
    result: bool = False


KNOWN: dict[Variable, ValueType] = dict.fromkeys(
    map(Variable, ("caller", "called", "redirected_from", "language", "day")), "text"
)


class Limits(Strict, frozen=True, kw_only=True):
    """Where a run ends that does not end by itself: nodes visited, visits of one node, seconds from the start.

    A caller is never kept longer; time spent talking to somebody does not count.
    """

    steps: forms.Steps = 200
    visits: forms.Steps = 20
    duration_s: forms.Stay = 1800


class Scenario(Strict, frozen=True, kw_only=True):
    """`on_hangup`: where a run goes on, unheard, after the caller hung up: set, notify, switch and the like.

    `outcomes`: as a subflow, what may come of it.
    """

    scenario: Slug
    schema: Literal[1] = 1
    title: Text = {}
    languages: Annotated[tuple[Language, ...], forms.SOME] = ("fr",)
    vars: dict[Variable, Var] = {}
    start: NodeName
    on_error: NodeName
    on_hangup: NodeName | None = None
    outcomes: tuple[forms.OutcomeName, ...] = ()
    limits: Limits = Limits()
    nodes: dict[NodeName, AnyNode]


class Program(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A scenario and every other it may lead to, as it was published. Immutable; a call keeps the one it began with.

    `version` is the hash of all that it consists of, prompts included.
    """

    main: Slug
    version: str
    scenarios: dict[Slug, Scenario]

    @property
    def start(self) -> Scenario:
        return self.scenarios[self.main]

    @cached_property
    def sensitive(self) -> bool:
        """Whether a caller may be asked for something that nobody else shall see."""
        nodes = (node for scenario in self.scenarios.values() for node in scenario.nodes.values())
        return any(isinstance(node, Collect) and node.sensitive for node in nodes)
