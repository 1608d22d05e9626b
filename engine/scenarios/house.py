"""What a deployment has, as far as whoever checks a scenario knows it."""

from collections.abc import Mapping
from datetime import date
from typing import get_args

import msgspec

from engine.domain.calendar_findings import doubts
from engine.domain.directory import Directory, Language
from engine.domain.scenario.graph import ValueType

Names = frozenset[str]


class House(msgspec.Struct, frozen=True, kw_only=True):
    """None: not known here, so not checked, and the checker says so.

    `doubts`: what is doubtful in some of the calendars. `tables`: the columns of each, with their types; None where
    a row may have any, as contacts differ. `speech`: the languages the speech engine speaks; empty without one.
    `recordings` and `sounds` (Asterisk's own): the names there are in each language. `seconds`: how long recordings and
    sounds last, the longest of their languages.
    """

    languages: Names | None = None
    groups: Names | None = None
    agents: Names | None = None
    extensions: Names | None = None
    calendars: Names | None = None
    doubts: Mapping[str, tuple[str, ...]] = {}
    flags: Names | None = None
    tables: Mapping[str, Mapping[str, ValueType] | None] | None = None
    mailboxes: Names | None = None
    speech: Names | None = None
    recordings: Mapping[Language, Names] | None = None
    sounds: Mapping[Language, Names] | None = None
    seconds: Mapping[str, float] = {}


UNKNOWN = House()
"""A laptop: nothing is known of the deployment."""


def of_directory(directory: Directory, since: date) -> House:
    """What a directory says of the deployment from this day on. Messages are left for agents and groups."""
    agents, groups = frozenset(map(str, directory.agents)), frozenset(map(str, directory.groups))
    extensions = [agent.extension for agent in directory.agents.values()]
    extensions += [group.extension for group in directory.groups.values()]
    return House(
        languages=frozenset(get_args(Language)),
        groups=groups,
        agents=agents,
        extensions=frozenset(extensions),
        calendars=frozenset(map(str, directory.calendars)),
        doubts={str(name): tuple(doubt.message for doubt in about) for name, about in doubts(directory, since).items()},
        mailboxes=agents | groups,
    )
