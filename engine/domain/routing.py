"""Which trunks may carry a call, in which order, and what number each presents."""

import re
from collections.abc import Collection

from engine.domain.directory import Directory, Site, Trunk
from engine.domain.emergency import dialled_at
from engine.domain.numbers import Dialled, NumberClass
from engine.domain.values import E164
from engine.errors import Refused

FRENCH_MOBILE = ("+336", "+337")

COSTLY: frozenset[NumberClass] = frozenset({"premium", "satellite", "personal", "unknown"})
"""Where fraud earns: the agent's right is not enough, the site must name the class too."""


def trunks_for(site: Site, directory: Directory) -> list[Trunk]:
    """The site's own trunks by priority; then other sites' where the site allows it (feature E6)."""
    usable = [trunk for trunk in directory.trunks.values() if trunk.enabled and trunk.allow_external]
    own = [trunk for trunk in usable if trunk.site == site.id]
    others = [trunk for trunk in usable if trunk.site != site.id] if site.allow_other_sites else []
    return [*sorted(own, key=_order), *sorted(others, key=_order)]


def presented(trunk: Trunk, wanted: E164 | None, country: str) -> E164 | None:
    """The caller id this trunk shows: the one wanted if it owns it, else its own first; None withholds.

    `country` is its site's. A number that may not be presented there is not, whoever put it into the directory.
    """
    owned = [number for number in trunk.caller_ids if may_present(number, trunk, country)]
    if trunk.withhold or not owned:
        return None
    return wanted if wanted in owned else owned[0]


def may_present(number: E164, trunk: Trunk, country: str) -> bool:
    """Whether this trunk may show this number: French mobile numbers are for GSM gateways only.

    ARCEP's numbering plan (decision 2018-0881 as amended in 2022) keeps 06 and 07 from automated calling systems; a
    gateway calls from the mobile line itself, whose number that is.
    """
    return trunk.answers_early or country != "FR" or not number.startswith(FRENCH_MOBILE)


def check_caller_id(wanted: E164 | None, trunks: list[Trunk]) -> None:
    """Refuse a caller id that no trunk of the call owns: a number one does not own is never presented."""
    if wanted is None or any(wanted in trunk.caller_ids for trunk in trunks):
        return
    if wanted.startswith(FRENCH_MOBILE) and not any(trunk.answers_early for trunk in trunks):
        raise Refused(
            f"{wanted} is a French mobile number, which only a GSM gateway may show",
            rule="caller-id-mobile",
            status=422,
            what_next="Use a number listed in `caller_ids` of one of the site's trunks, or none.",
        )
    raise Refused(
        f"{wanted} belongs to no trunk this call could leave by",
        rule="caller-id-not-owned",
        status=422,
        what_next="Use a number listed in `caller_ids` of one of the site's trunks, or none.",
    )


def check_not_emergency(typed: str, site: Site) -> None:
    """Refuse what a telephone of the site dials for an emergency, its own numbers and its outside line included.

    An application's call rings the agent first, and can be refused for a dozen reasons: nobody's help may hang on it.
    """
    if re.sub(r"[ ()./-]", "", typed) in dialled_at(site):
        raise Refused(
            "emergency numbers are dialled from a phone, never by an application",
            rule="destination-emergency",
            status=403,
        )


def check_destination(number: Dialled, site: Site, rights: Collection[NumberClass]) -> E164:
    """The number to dial, or a refusal that names the rule: destinations are denied unless allowed.

    `rights` are the caller's. A number of another country needs the right to its class, the right `international`,
    and its country among the site's; a costly one needs its class among the site's as well.
    """
    if number.klass == "emergency":
        raise Refused(
            "emergency numbers are dialled from a phone, never by an application",
            rule="destination-emergency",
            status=403,
        )
    if number.klass == "internal":
        raise Refused("extensions cannot be called this way", rule="destination-internal", status=403)
    if number.e164 is None:
        raise Refused("short numbers cannot be called this way", rule="destination-short-number", status=403)
    lacking = _lacking(number, site, rights)
    if lacking:
        where = f" ({number.country})" if number.country else ""
        raise Refused(
            f"numbers of class {number.klass}{where} are not allowed here: {' and '.join(lacking)}",
            rule=f"destination-{number.klass.replace('_', '-')}",
            status=403,
            what_next="Call another number, or have an administrator allow what is lacking.",
        )
    return number.e164


def _lacking(number: Dialled, site: Site, rights: Collection[NumberClass]) -> list[str]:
    """Everything that is to be allowed before this number may be called, in words."""
    wanted: list[NumberClass] = [number.klass]
    if number.country != site.country and number.klass not in COSTLY:
        wanted.append("international")
    lacking = [f"the agent lacks the right `{right}`" for right in dict.fromkeys(wanted) if right not in rights]
    if number.klass in COSTLY and number.klass not in site.dialable_classes:
        lacking.append(f"`dialable_classes` of site {site.id} lacks {number.klass}")
    if number.country not in (None, site.country, *site.dialable_countries):
        lacking.append(f"`dialable_countries` of site {site.id} lacks {number.country}")
    return lacking


def _order(trunk: Trunk) -> tuple[int, str]:
    return trunk.priority, trunk.id
