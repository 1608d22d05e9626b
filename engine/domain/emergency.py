"""Which numbers are emergency numbers at a site, and which trunks carry a call to one, in which order.

They are rendered into Asterisk's dialplan, so that such a call needs neither the engine nor a right of anybody.
Sources: `phonenumbers` (Google's metadata) for each country; for France the list of ARCEP's numbering plan, which is
longer; 112 everywhere (ITU-T E.161.1 recommends it beside 911, and every GSM telephone knows it).
"""

import functools
import re

from phonenumbers import PhoneMetadata

from engine.domain.directory import Directory, Site, Trunk

EVERYWHERE = "112"
MAX_ELSEWHERE = 10  # trunks of other sites: nobody in need waits longer than so many take to refuse
_FRENCH = frozenset({"15", "17", "18", "114", "115", "119", "191", "196", "197"})
# The overseas departments and collectivities that ARCEP's plan covers; each is a country of its own to ISO 3166.
_ARCEP = frozenset({"FR", "GP", "GF", "MQ", "RE", "YT", "PM", "BL", "MF"})


@functools.cache
def of_country(country: str) -> frozenset[str]:
    """The emergency numbers of a country (ISO 3166), 112 always among them."""
    known = _FRENCH if country in _ARCEP else frozenset[str]()
    return frozenset({EVERYWHERE}) | known | _in_metadata(country)


def _in_metadata(country: str) -> frozenset[str]:
    """Every number the country's pattern means, written out: the dialplan matches them exactly, one by one."""
    metadata = PhoneMetadata.short_metadata_for_region(country)
    told = metadata.emergency if metadata else None
    if told is None or told.national_number_pattern is None:
        return frozenset()
    pattern = re.compile(told.national_number_pattern)
    candidates = (f"{n:0{length}}" for length in told.possible_length for n in range(10**length))
    return frozenset(number for number in candidates if pattern.fullmatch(number))


def dialled_at(site: Site) -> dict[str, str]:
    """What a telephone of the site may dial -> the emergency number that means, both digits alone.

    Each number as it is, and behind the site's outside-line prefix if it has one: who is frightened dials as always.
    """
    numbers = of_country(site.country) | set(site.emergency_numbers)
    behind = {site.outside_prefix + number: number for number in numbers}
    return behind | {number: number for number in numbers}


def ways_out(site: Site, directory: Directory) -> list[Trunk]:
    """The trunks to try, in order: the site's own by priority, then others', those of its country first.

    Whether the site may use other sites' trunks otherwise (`allow_other_sites`) does not matter here.
    """
    usable = [trunk for trunk in directory.trunks.values() if trunk.enabled and trunk.allow_external]
    own = [trunk for trunk in usable if trunk.site == site.id]
    others = [trunk for trunk in usable if trunk.site != site.id]

    def order(trunk: Trunk) -> tuple[bool, int, str]:
        return directory.sites[trunk.site].country != site.country, trunk.priority, trunk.id

    return [*sorted(own, key=order), *sorted(others, key=order)[:MAX_ELSEWHERE]]
