"""What a deployment has, as far as whoever checks a scenario knows it."""

from collections.abc import Mapping

import msgspec

from engine.domain.directory import Language
from engine.domain.scenario.graph import ValueType

Names = frozenset[str]


class House(msgspec.Struct, frozen=True, kw_only=True):
    """None: not known here, so not checked, and the checker says so.

    `tables`: the columns of each, with their types; `contacts` is among them where its fields are known. `speech`: the
    languages the speech engine speaks; empty without one. `recordings` and `sounds` (Asterisk's own): the names there
    are in each language. `seconds`: how long recordings and sounds last, the longest of their languages.
    """

    languages: Names | None = None
    groups: Names | None = None
    agents: Names | None = None
    extensions: Names | None = None
    calendars: Names | None = None
    flags: Names | None = None
    tables: Mapping[str, Mapping[str, ValueType]] | None = None
    mailboxes: Names | None = None
    speech: Names | None = None
    recordings: Mapping[Language, Names] | None = None
    sounds: Mapping[Language, Names] | None = None
    seconds: Mapping[str, float] = {}


UNKNOWN = House()
"""A laptop: nothing is known of the deployment."""
