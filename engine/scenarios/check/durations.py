"""How long a caller may be at a node, at most: the longest waits, every try used up, prompts as long as they seem.

Seconds are an estimate where a prompt is: words by their number of letters, recordings by what the house knows of them.
Conversations do not count.
"""

from collections.abc import Mapping

from engine.domain.scenario.entering import LATE_S
from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Collect,
    Date,
    Digits,
    Fetch,
    File,
    Group,
    Hangup,
    Hours,
    Incident,
    Lookup,
    Menu,
    Notify,
    Number,
    Pause,
    Play,
    Prompt,
    Record,
    Ring,
    Said,
    Say,
    Sound,
    Template,
    Transfer,
    Voicemail,
)
from engine.domain.scenario.turn import STORE_S
from engine.scenarios.check.uses import braces, prompts_of

LETTER_S = 0.08
BREATH_S = 0.5
DIGIT_S = 0.7
NUMBER_S, DATE_S, VALUE_S = 4.0, 5.0, 3.0
RECORDING_S = 8.0
"""A recording or sound of which nothing is known."""
LONGEST_NUMBER = 15
CALLBACK_WORDS_S = 12.0  # the house's own words around the number
CALLBACK_FIRST_S, CALLBACK_NEXT_S = 5.0, 3.0


def seconds_at(node: AnyNode, known: Mapping[str, float]) -> float:
    """The longest a caller is kept by this node, without what a subflow or another scenario takes."""
    said = sum(seconds_of(prompt, known) for _, prompt in prompts_of(node))
    match node:
        case Play() | Hangup():
            return said
        case Menu() | Collect() | Callback():
            return _listening(node, known)
        case Record(max_s=longest) | Voicemail(max_s=longest):
            return (said or RECORDING_S) + longest + LATE_S + STORE_S
        case _:
            return _waiting(node)


def _waiting(node: AnyNode) -> float:
    """Of a node that asks the house, or rings somebody."""
    match node:
        case Lookup(timeout_s=timeout_s) | Fetch(timeout_s=timeout_s):
            return timeout_s + LATE_S
        case Hours() | Incident() | Notify():
            return STORE_S
        case Ring(max_s=longest) | Group(max_s=longest) | Transfer(max_s=longest, scenario=None):
            return float(longest)
        case _:
            return 0.0


def is_endless(node: AnyNode) -> bool:
    """Whether a caller may begin an input anew as often as he likes."""
    return isinstance(node, Callback) or (isinstance(node, Collect) and bool(node.clear_key))


def seconds_of(prompt: Prompt, known: Mapping[str, float]) -> float:
    return sum(_seconds(item, known) for item in prompt)


def _listening(node: Menu | Collect | Callback, known: Mapping[str, float]) -> float:
    """Silences and wrong keys are counted apart, and whichever is used up first leads out."""
    rounds = max(2 * node.tries - 1, 1)
    if not isinstance(node, Callback):
        return rounds * _round(node, known)
    typed = CALLBACK_FIRST_S + LONGEST_NUMBER * CALLBACK_NEXT_S
    confirmed = LONGEST_NUMBER * DIGIT_S + CALLBACK_FIRST_S + STORE_S
    return seconds_of(node.prompt, known) + rounds * (CALLBACK_WORDS_S + typed + confirmed)


def _round(node: Menu | Collect, known: Mapping[str, float]) -> float:
    prompts = (node.prompt, node.no_input_prompt, node.no_match_prompt)
    most = max(map(len, node.keys), default=1) if isinstance(node, Menu) else node.max_digits
    asked = max(seconds_of(prompt, known) for prompt in prompts)
    asked += node.first_timeout_s + most * node.inter_digit_timeout_s
    if isinstance(node, Collect) and node.sensitive:
        asked += STORE_S
    if isinstance(node, Collect) and node.confirm:
        asked += most * DIGIT_S + seconds_of(node.confirm, known) + node.first_timeout_s
    return asked


def _spoken(text: Template) -> float:
    return BREATH_S + len(text) * LETTER_S + len(braces(text)) * VALUE_S


def _seconds(item: Said, known: Mapping[str, float]) -> float:
    match item:
        case Say(say=texts):
            return max(map(_spoken, texts.values()), default=0.0)
        case File(file=name) | Sound(sound=name):
            return known.get(name, RECORDING_S)
        case Digits():
            return LONGEST_NUMBER * DIGIT_S
        case Number():
            return NUMBER_S
        case Date():
            return DATE_S
        case Pause(pause=pause):
            return pause
