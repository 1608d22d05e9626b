"""Menus: keys that can be pressed, that do not wait for each other, and that are the ones the words announce."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from engine.domain.directory import Language
from engine.domain.scenario.graph import Collect, Menu, NodeName, Prompt, Say
from engine.scenarios.check.digits import KEYS
from engine.scenarios.check.reporting import Part
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.uses import prompts_of

_WORDS = {
    "0123456789*#": "zéro un deux trois quatre cinq six sept huit neuf étoile dièse",
    "0123456789*##": "zero one two three four five six seven eight nine star pound hash",
}
_KEY_OF = {word: key for keys, words in _WORDS.items() for key, word in zip(keys, words.split(), strict=True)}
_COUNTED = r"(?!\s+(?:fois|chiffres?|numéros?|caractères?|times|digits?|numbers?|characters?)\b)"
"""Behind a number that is none of a key: 2 fois, 5 digits."""
_GOES_ON = "pour|afin|ou|et|puis|si|quand|maintenant|à|for|to|or|and|then|if|when|now|at|again|key"
_ALONE = rf"(?=\s*(?:$|[^\w\s]|(?:{_GOES_ON})\b))"
"""Behind a number in letters, or it is no key: tapez un chiffre, faites un choix, press one of these keys."""
_NUMBERS = "|".join(word for word, key in _KEY_OF.items() if key.isdecimal())
_SIGNS = "|".join(word for word, key in _KEY_OF.items() if not key.isdecimal())
_NAMED = rf"(?:[0-9*#]{{1,4}}(?![0-9])|(?:{'|'.join(_KEY_OF)})\b)"
_KEY = rf"(?:[0-9*#]{{1,4}}(?![0-9]){_COUNTED}|(?:{_SIGNS})\b|(?:{_NUMBERS})\b{_ALONE})"
_ELSEWHERE = re.compile(r"\b(?:composez|composer|dial)\s+(?:the |le )?(?:[0-9]{2})[0-9 .]*", re.IGNORECASE)
"""A telephone number, as of an emergency: no key is meant."""
_VERB = {
    "fr": r"(?:tapez|taper|appuyez sur|appuyer sur|pressez|composez|faites)\s+(?:la )?(?:touche )?(?:le |la )?",
    "en": r"(?:press|dial|hit|push)\s+(?:the )?(?:key )?(?:number )?",
}
_AND = {"fr": r"(?:\s*,\s*|\s+ou\s+|\s+et\s+)(?:le |la )?", "en": r"(?:\s*,\s*(?:or\s+)?|\s+or\s+|\s+and\s+)"}
_SAID: dict[str, re.Pattern[str]] = {
    language: re.compile(rf"\b{verb}({_KEY}(?:{_AND[language]}{_KEY})*)", re.IGNORECASE)
    for language, verb in _VERB.items()
}
_EACH = re.compile(_NAMED, re.IGNORECASE)


def check(subject: Subject) -> None:
    for name, node in subject.scenario.nodes.items():
        match node:
            case Menu(keys=keys):
                _pressable(subject, name, node)
                _prefixes(subject, name, node)
                for part, prompt in prompts_of(node):
                    _exist(subject, name, part, prompt, keys.__contains__)
                _never_announced(subject, name, node)
            case Collect(confirm=confirm, prompt=prompt, terminators=ends, clear_key=clear):
                _exist(subject, name, ("confirm",), confirm, ("1", "2").__contains__)
                _exist(subject, name, ("prompt",), prompt, partial(_typed, ends + clear))
            case _:
                pass


def announced(text: str, language: str) -> list[str]:
    """The keys a text asks for: "press 1 or 2" asks for 1 and 2."""
    asked = _SAID[language].findall(_ELSEWHERE.sub(" ", text))
    return [_key(key) for said in asked for key in _EACH.findall(said)]


def _key(word: str) -> str:
    return _KEY_OF.get(word.lower(), word)


def _typed(own: str, key: str) -> bool:
    """Whether a key is a part of an input, or one of its own."""
    return key.isdecimal() or key in own


def _pressable(subject: Subject, name: NodeName, node: Menu) -> None:
    for key in node.keys:
        if set(key) - set(KEYS):
            subject.find("S402", ("keys", key), f"{key} has a key in it that few telephones have", name)


def _prefixes(subject: Subject, name: NodeName, node: Menu) -> None:
    for key in node.keys:
        longer = sorted(other for other in node.keys if other != key and key and other.startswith(key))
        if longer:
            wait = f"{node.inter_digit_timeout_s:g} s"
            told = f"whoever presses {key} waits {wait}, for {', '.join(longer)} begins like it"
            subject.find("S401", ("keys", key), told, name)


def _exist(subject: Subject, name: NodeName, part: Part, prompt: Prompt, exists: Callable[[str], bool]) -> None:
    for number, language, text in _texts(prompt):
        for key in dict.fromkeys(announced(text, language)):
            if not exists(key):
                here = (*part, number, "say", language)
                subject.find("S408", here, f"the caller is told to press {key}, which is no key here", name)


def _never_announced(subject: Subject, name: NodeName, node: Menu) -> None:
    """Only where words alone say which keys there are: what is in a recording is not known."""
    if not all(isinstance(item, Say) for item in node.prompt):
        return
    for language in subject.scenario.languages:
        text = " ".join(text for _, said_in, text in _texts(node.prompt) if said_in == language)
        if announced(text, language):
            known = set(map(_key, _EACH.findall(text)))
            for key in node.keys:
                if key not in known:
                    subject.find("S409", ("keys", key), f"{key} is not announced in {language}", name)


def _texts(prompt: Prompt) -> Iterator[tuple[int, Language, str]]:
    for number, item in enumerate(prompt):
        if isinstance(item, Say):
            for language, text in item.say.items():
                if language in _SAID:
                    yield number, language, text
