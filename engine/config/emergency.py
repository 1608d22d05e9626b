"""Emergency numbers as dialplan: one context per site for its telephones, matched before anything of the engine's.

    [from-agents-paris]                    where the telephones of the site's agents begin
    include = standardiste-emergency-paris
    include = from-agents                  everything else

    [standardiste-emergency-paris]         each number by itself: no pattern, so that 1125 is not 112
    exten = 112,1,Set(EMERGENCY=112)
    exten = 112,2,Goto(standardiste-way-out-paris,s,1)

    [standardiste-way-out-paris]           every trunk in order, then again by address, with all patience and whatever
                                           Asterisk thinks of it
    exten = s,1,Gosub(standardiste-emergency,by-trunk,1(trunk-paris-1,+33140000001))
    exten = s,2,Gosub(standardiste-emergency,by-address,1(trunk-paris-1,+33140000001,192.0.2.10:5060))
    exten = s,3,Goto(standardiste-refusal,nobody,1)

What the two subroutines do stands in dialplan/standardiste.conf.
"""

from collections.abc import Iterator

from engine.config import values as v
from engine.config.dialplan import START, assign, gosub, goto, include, steps
from engine.config.ini import Option, Section
from engine.domain.directory import Directory, Site, Trunk
from engine.domain.emergency import dialled_at, ways_out

SUBROUTINES = v.word("standardiste-emergency")
ORDINARY = v.word("from-agents")


def agents_context(site: Site) -> v.ConfigValue:
    """Where the calls of this site's telephones begin."""
    return v.word(f"from-agents-{site.id}")


def emergency_sections(directory: Directory) -> tuple[Section, ...]:
    """Three contexts for each site; raises InvalidValue when a value cannot stand in them."""
    return tuple(section for _, site in sorted(directory.sites.items()) for section in _of(site, directory))


def _of(site: Site, directory: Directory) -> Iterator[Section]:
    numbers, way_out = v.word(f"{SUBROUTINES}-{site.id}"), v.word(f"standardiste-way-out-{site.id}")
    yield Section(agents_context(site), (include(numbers), include(ORDINARY)))
    yield Section(
        numbers, tuple(option for pair in sorted(dialled_at(site).items()) for option in _number(*pair, way_out))
    )
    yield Section(way_out, steps(START, *_tries(ways_out(site, directory))))


def _number(dialled: str, meant: str, way_out: v.ConfigValue) -> tuple[Option, ...]:
    sent = assign(v.word("EMERGENCY"), v.digits(meant))
    return steps(v.digits(dialled), sent, goto(way_out, START))


def _tries(trunks: list[Trunk]) -> Iterator[v.ConfigValue]:
    """As it is, without prefix or strip: an emergency number is the same on every line."""
    for trunk in trunks:
        yield gosub(SUBROUTINES, v.word("by-trunk"), *_trunk(trunk))
    for trunk in trunks:
        if trunk.kind == "account":  # where that is, only Asterisk knows
            yield gosub(SUBROUTINES, v.word("again"), *_trunk(trunk))
        else:
            where = v.address(trunk.host, trunk.port, _via(trunk))
            yield gosub(SUBROUTINES, v.word("by-address"), *_trunk(trunk), where)
    yield goto(v.word("standardiste-refusal"), v.word("nobody"))


def _trunk(trunk: Trunk) -> tuple[v.ConfigValue, v.ConfigValue]:
    """Its endpoint, and a number it owns, which the centre can call back; none where none is known."""
    shown = v.telephone_number(trunk.caller_ids[0]) if trunk.caller_ids else v.NOTHING
    return v.word(f"trunk-{trunk.id}"), shown


def _via(trunk: Trunk) -> str | None:
    return None if trunk.transport == "udp" else trunk.transport
