"""Prompts with their variables filled in, cut into what can be said in one go."""

import re
from collections.abc import Callable
from datetime import date
from itertools import groupby
from urllib.parse import quote

from engine.domain.directory import Language
from engine.domain.scenario.expressions import text_of
from engine.domain.scenario.graph import (
    Date,
    Digits,
    Expression,
    File,
    Number,
    Prompt,
    Said,
    Say,
    Sound,
    Template,
    Value,
    Variable,
)
from engine.domain.scenario.run import Chunk
from engine.domain.scenario.talk import (
    AnyHeard,
    AsteriskSound,
    Day,
    DigitByDigit,
    House,
    Recording,
    Silence,
    WholeNumber,
    Words,
)
from engine.errors import InvalidValue

Evaluate = Callable[[Expression], Value]

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_YES: dict[Language, tuple[str, str]] = {"fr": ("oui", "non"), "en": ("yes", "no")}


def chunks(prompt: Prompt, language: Language, evaluate: Evaluate) -> tuple[Chunk, ...]:
    """What is said, in the caller's language; raises InvalidValue where something has no value to be said."""
    return tuple(
        Chunk(barge, tuple(_heard(item, language, evaluate) for item in items))
        for barge, items in groupby(prompt, key=lambda item: item.barge)
    )


def joined(said: tuple[Chunk, ...]) -> tuple[Chunk, ...]:
    """Prompts one after the other as one: what a key treats alike is said without a break."""
    if len(said) == 1:
        return said
    alike = groupby(said, key=lambda chunk: chunk.barge)
    return tuple(Chunk(barge, tuple(item for chunk in run for item in chunk.items)) for barge, run in alike)


def house(*prompts: str) -> tuple[Chunk, ...]:
    """The engine's own words."""
    return (Chunk("stop", tuple(House(prompt) for prompt in prompts)),)


def filled(template: Template, language: Language, evaluate: Evaluate) -> str:
    """A text with its {variables} in it."""
    return PLACEHOLDER.sub(lambda found: spoken(evaluate(Expression(found[1])), language), template)


def address(template: Template, evaluate: Evaluate) -> str:
    """A URL with its {variables} in it; none of them can lead elsewhere.

    Raises InvalidValue where dots would lead upwards in the path (RFC 3986, section 5.2.4): nothing escapes them.
    """
    url = PLACEHOLDER.sub(lambda found: quote(text_of(evaluate(Expression(found[1]))), safe=""), template)
    if {".", ".."} & set(re.split("[?#]", url)[0].split("/")):
        raise InvalidValue("a value leads upwards in the path of an address")
    return url


def variables_of(template: Template) -> tuple[Variable, ...]:
    """The variables a text names."""
    return tuple(Variable(found) for found in PLACEHOLDER.findall(template))


def spoken(value: Value, language: Language) -> str:
    """A value as one says it."""
    if isinstance(value, bool):
        yes, no = _YES[language]
        return yes if value else no
    return str(value)


def _heard(item: Said, language: Language, evaluate: Evaluate) -> AnyHeard:
    match item:
        case Say(say=texts):
            text = texts[language] if language in texts else next(iter(texts.values()))
            heard: AnyHeard = Words(filled(text, language, evaluate))
        case File(file=name):
            heard = Recording(name)
        case Sound(sound=name):
            heard = AsteriskSound(name)
        case Digits(digits=expression):
            heard = DigitByDigit(_digits(evaluate(expression)))
        case Number(number=expression):
            heard = WholeNumber(_number(evaluate(expression)))
        case Date(date=expression):
            heard = Day(_day(evaluate(expression)))
        case _:
            heard = Silence(item.pause)
    return heard


def _digits(value: Value) -> str:
    """Only what has a sound of its own; a number's plus sign is two zeros."""
    found = "".join(c for c in str(value).replace("+", "00") if c in "0123456789*#")
    if not found:
        raise InvalidValue(f"{value!r} has no digits to be said")
    return found


def _number(value: Value) -> int:
    try:
        return int(value)
    except ValueError:
        raise InvalidValue(f"{value!r} is not a number to be said") from None


def _day(value: Value) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise InvalidValue(f"{value!r} is not a day to be said, such as 2026-05-01") from None
