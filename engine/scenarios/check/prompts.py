"""Prompts: there in every language, sayable, and announcing what must be announced."""

from collections.abc import Mapping

from engine.domain.directory import Language
from engine.domain.scenario.graph import (
    Date,
    Digits,
    File,
    NodeName,
    Number,
    Play,
    Record,
    Said,
    Say,
    SetLanguage,
    Sound,
    Template,
)
from engine.domain.scenario.prompts import PLACEHOLDER
from engine.scenarios.check.reporting import Part
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.uses import braces, items_of, prompts_of
from engine.scenarios.house import Names

_A_DIGIT = "digits/1"  # whoever has this sound has the others


def check(subject: Subject) -> None:
    _languages(subject)
    for name, node in subject.scenario.nodes.items():
        for part, item in items_of(node):
            _item(subject, name, part, item)
        if isinstance(node, Play) and not node.prompt:
            subject.find("S606", (), "it says nothing", name)
        if isinstance(node, Record) and not any(prompt for _, prompt in prompts_of(node)):
            subject.find("S410", (), "the caller is recorded, and not told so", name)
        if isinstance(node, SetLanguage) and node.language not in subject.scenario.languages:
            told = f"{node.language} is not among the languages of this scenario"
            subject.find("S313", ("language",), told, name)


def _languages(subject: Subject) -> None:
    scenario, spoken = subject.scenario, subject.house.languages
    if not scenario.languages:
        subject.find("S313", ("languages",), "the scenario has no language")
    for language in scenario.languages:
        if spoken is not None and language not in spoken:
            subject.find("S313", ("languages",), f"{language} is not a language of this deployment")
        if scenario.title and language not in scenario.title:
            subject.find("S605", ("title",), f"there is no title in {language}")


def _item(subject: Subject, name: NodeName, part: Part, item: Said) -> None:
    match item:
        case Say(say=texts):
            _say(subject, name, part, texts)
        case File(file=recording):
            _there(subject, name, (*part, "file"), recording, ("S309", subject.house.recordings))
        case Sound(sound=sound):
            _there(subject, name, (*part, "sound"), sound, ("S310", subject.house.sounds))
        case Digits() | Number() | Date():
            _there(subject, name, part, _A_DIGIT, ("S310", subject.house.sounds))
        case _:
            pass


def _say(subject: Subject, name: NodeName, part: Part, texts: Mapping[Language, Template]) -> None:
    languages, speech = subject.scenario.languages, subject.house.speech
    for language in languages:
        if not texts.get(language, "").strip():
            subject.find("S601", (*part, "say"), f"it is not said in {language}", name)
        elif speech is not None and language not in speech:
            subject.find("S602", (*part, "say", language), f"no speech engine speaks {language} here", name)
    for language, text in texts.items():
        here = (*part, "say", language)
        if language not in languages:
            subject.find("S604", here, f"{language} is not among the languages of this scenario", name)
        odd = [found for found in braces(text) if not PLACEHOLDER.fullmatch(f"{{{found}}}")]
        if odd or text.count("{") != text.count("}"):
            what = f"{{{odd[0]}}}" if odd else "a brace without its other half"
            subject.find("S603", here, f"{what} would be read out", name)


def _there(
    subject: Subject, name: NodeName, part: Part, wanted: str, where: tuple[str, Mapping[Language, Names] | None]
) -> None:
    code, have = where
    if have is None:
        return
    missing = [language for language in subject.scenario.languages if wanted not in have.get(language, ())]
    if missing:
        subject.find(code, part, f"{wanted} is missing in {', '.join(missing)}", name)
