"""Emergency numbers: which there are at a site, which trunks carry them, and who may not have them."""

import msgspec
import phonenumbers
import pytest

from engine.domain import routing
from engine.domain.directory import Agent, Directory, Site, Trunk
from engine.domain.directory_check import problems
from engine.domain.emergency import MAX_ELSEWHERE, dialled_at, of_country, ways_out
from engine.domain.values import Extension, Slug
from engine.errors import Refused

PARIS = Site(id=Slug("paris"), name="Paris")
LYON = Site(id=Slug("lyon"), name="Lyon")
GENEVA = Site(id=Slug("geneva"), name="Geneva", country="CH")


def trunk(name: str, site: Site, priority: int = 100, **more: object) -> Trunk:
    base: dict[str, object] = {"kind": "peer", "host": f"{name}.example", "priority": priority}
    return Trunk(id=Slug(name), site=site.id, **(base | more))  # type: ignore[arg-type]


def company(
    *trunks: Trunk, sites: tuple[Site, ...] = (PARIS, LYON, GENEVA), agents: tuple[Agent, ...] = ()
) -> Directory:
    return Directory(
        revision=1,
        sites={site.id: site for site in sites},
        trunks={found.id: found for found in trunks},
        agents={agent.id: agent for agent in agents},
    )


@pytest.mark.parametrize(
    ("country", "numbers"),
    [
        ("FR", "15 17 18 112 114 115 119 191 196 197"),
        ("RE", "15 17 18 112 114 115 119 191 196 197"),
        ("BE", "100 101 112"),
        ("CH", "112 117 118 144"),
        ("GB", "112 999"),
        ("US", "112 911"),
        ("AU", "000 106 112"),
        ("GQ", "112"),  # no metadata at all
    ],
)
def test_the_emergency_numbers_of_a_country(country: str, numbers: str) -> None:
    assert of_country(country) == set(numbers.split())


def test_every_country_has_112_and_nothing_that_is_no_short_number() -> None:
    for country in phonenumbers.SUPPORTED_REGIONS:
        numbers = of_country(country)
        assert "112" in numbers
        assert all(number.isascii() and number.isdigit() and 2 <= len(number) <= 6 for number in numbers), country


def test_a_site_adds_its_own_and_people_dial_them_behind_the_outside_prefix_too() -> None:
    plant = msgspec.structs.replace(PARIS, emergency_numbers=("5555",), outside_prefix="0")
    dialled = dialled_at(plant)
    assert {typed: dialled[typed] for typed in ("112", "0112", "5555", "05555", "015")} == {
        "112": "112",
        "0112": "112",
        "5555": "5555",
        "05555": "5555",
        "015": "15",
    }
    assert "1125" not in dialled
    assert "0112" not in dialled_at(PARIS)


def test_a_number_as_it_is_goes_before_one_behind_the_prefix() -> None:
    odd = msgspec.structs.replace(PARIS, emergency_numbers=("01", "001"), outside_prefix="0")
    assert (dialled_at(odd)["001"], dialled_at(odd)["01"]) == ("001", "01")


def test_own_trunks_by_priority_then_others_of_the_country_then_any() -> None:
    directory = company(
        trunk("zurich", GENEVA, 1),
        trunk("lyon-2", LYON, 50),
        trunk("lyon-1", LYON, 10),
        trunk("paris-2", PARIS, 900),
        trunk("paris-1", PARIS, 100),
        trunk("paris-off", PARIS, 1, enabled=False),
    )
    found = [way.id for way in ways_out(PARIS, directory)]
    assert found == ["paris-1", "paris-2", "lyon-1", "lyon-2", "zurich"]


def test_nobody_waits_for_a_hundred_trunks_of_other_sites() -> None:
    others = [trunk(f"lyon-{number}", LYON) for number in range(100)]
    assert len(ways_out(PARIS, company(trunk("paris-1", PARIS), *others))) == 1 + MAX_ELSEWHERE


@pytest.mark.parametrize("typed", ["112", "1 12", "0112", "15", "197", "5555", "(0)5555"])
def test_no_application_calls_an_emergency_number(typed: str) -> None:
    site = msgspec.structs.replace(PARIS, emergency_numbers=("5555",), outside_prefix="0")
    with pytest.raises(Refused) as refused:
        routing.check_not_emergency(typed, site)
    assert refused.value.rule == "destination-emergency"


@pytest.mark.parametrize("typed", ["1125", "+33140000112", "0140000112", "116117"])
def test_what_only_looks_like_one_is_none(typed: str) -> None:
    routing.check_not_emergency(typed, PARIS)


def agent(extension: str, site: Site) -> Agent:
    return Agent(
        id=Slug("anne"), name="Anne", site=site.id, extension=Extension(extension), secret="s", sip_user="anne-1"
    )


@pytest.mark.parametrize(
    ("extension", "elsewhere", "taken"),
    [("112", {}, True), ("1125", {}, False), ("5555", {"emergency_numbers": ("5555",)}, True), ("2001", {}, False)],
)
def test_no_extension_is_what_somebody_dials_in_need(extension: str, elsewhere: dict[str, object], taken: bool) -> None:
    sites = (PARIS, msgspec.structs.replace(LYON, **elsewhere))
    found = problems(company(sites=sites, agents=(agent(extension, PARIS),)))
    assert [(problem.kind, problem.field) for problem in found] == [("agent", "extension")] * taken


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("emergency_numbers", ("1",)),
        ("emergency_numbers", ("+112",)),
        ("outside_prefix", "0000"),
        ("outside_prefix", "*"),
    ],
)
def test_what_is_no_short_number_is_a_problem_of_its_site(field: str, value: object) -> None:
    found = problems(company(sites=(msgspec.structs.replace(PARIS, **{field: value}),)))
    assert [(problem.kind, problem.field) for problem in found] == [("site", field)]
