"""Incidents: named flags of the house ("IT down") that scenarios and any dialplan can test. None is set, or one is;
several at once where the house wants it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from engine.domain.directory import Language
from engine.domain.values import Slug

LABELS: Mapping[Slug, tuple[str, str]] = {
    Slug("company-closed"): ("Entreprise fermée", "Company closed"),
    Slug("it-down"): ("Panne informatique", "IT down"),
    Slug("network-down"): ("Panne du réseau", "Network down"),
    Slug("exceptional-closure"): ("Fermeture exceptionnelle", "Exceptional closure"),
    Slug("continuity-plan"): ("Plan de continuité", "Continuity plan"),
}
"""The flags a house has unless it names its own, with their French and English names."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A flag that is set: by whom, since when, until when (None: until it is cleared), and what callers are told."""

    code: Slug
    author: str
    message_fr: str | None = None
    message_en: str | None = None
    set_at: datetime
    expires_at: datetime | None = None


def label(code: Slug, language: Language) -> str:
    """What people call it; the code itself for a flag of the house's own."""
    french, english = LABELS.get(code, (code, code))
    return french if language == "fr" else english


def standing(incidents: Iterable[Incident], at: datetime) -> tuple[Incident, ...]:
    """Those that are not over at this instant."""
    return tuple(one for one in incidents if one.expires_at is None or at < one.expires_at)


def with_one(incidents: Sequence[Incident], new: Incident, *, several: bool) -> tuple[Incident, ...]:
    """What is set once `new` is: besides the others, or in the place of whatever was."""
    return (*(without(incidents, new.code) if several else ()), new)


def without(incidents: Iterable[Incident], code: Slug) -> tuple[Incident, ...]:
    """What is set once this flag no longer is."""
    return tuple(one for one in incidents if one.code != code)


def first_of(flags: Sequence[Slug], incidents: Iterable[Incident], at: datetime) -> Incident | None:
    """The first of these flags that is set at this instant."""
    found = {one.code: one for one in standing(incidents, at)}
    return next((found[flag] for flag in flags if flag in found), None)
