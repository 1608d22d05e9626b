"""What public holidays are called. Which days they are in a country is known to `osm_hours.py`; names are ours."""

from typing import NamedTuple

from engine.domain.directory import Language


class Named(NamedTuple):
    """A day in the syntax of opening hours, and its names."""

    day: str
    fr: str
    en: str


ANY = Named("PH", "jour férié", "public holiday")
NAMES: dict[str, tuple[Named, ...]] = {
    "FR": (
        Named("Jan 1", "Jour de l'an", "New Year's Day"),
        Named("easter +1 day", "Lundi de Pâques", "Easter Monday"),
        Named("May 1", "Fête du Travail", "Labour Day"),
        Named("May 8", "Victoire 1945", "Victory Day"),
        Named("easter +39 days", "Ascension", "Ascension Day"),
        Named("easter +50 days", "Lundi de Pentecôte", "Whit Monday"),
        Named("Jul 14", "Fête nationale", "National Day"),
        Named("Aug 15", "Assomption", "Assumption Day"),
        Named("Nov 1", "Toussaint", "All Saints' Day"),
        Named("Nov 11", "Armistice 1918", "Armistice Day"),
        Named("Dec 25", "Noël", "Christmas Day"),
    )
}
"""Code du travail, article L3133-1."""


def days_of(country: str, language: Language) -> list[tuple[str, str]]:
    """Selectors of days and their names; a later one is the more exact. All of `country`'s are in the first."""
    return [(named.day, named.fr if language == "fr" else named.en) for named in (ANY, *NAMES.get(country, ()))]
