"""Which trunks carry a call, what number they show, and where calls may go (features E6, C10)."""

import re
from typing import get_args

import msgspec
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain import routing
from engine.domain.dialstring import to_trunk
from engine.domain.directory import DEFAULT_RIGHTS, Directory, Site, Trunk
from engine.domain.numbers import Dialled, NumberClass, parse_dialled
from engine.domain.values import E164, Slug
from engine.errors import InvalidValue, Refused

PARIS = Site(id=Slug("paris"), name="Paris")
MOBILE = E164("+33612345678")
OURS, OURS_TOO, THEIRS = E164("+33140000001"), E164("+33140000002"), E164("+33478000001")


def trunk(
    name: str, site: str = "paris", *, priority: int = 100, enabled: bool = True, shows: tuple[E164, ...] = ()
) -> Trunk:
    return Trunk(
        id=Slug(name),
        site=Slug(site),
        kind="peer",
        host="192.0.2.1",
        priority=priority,
        enabled=enabled,
        caller_ids=shows,
    )


TRUNKS = [
    trunk("paris-b"),
    trunk("paris-a"),
    trunk("paris-first", priority=1),
    trunk("paris-off", priority=0, enabled=False),
    trunk("lyon-1", "lyon", priority=1),
]
DIRECTORY = Directory(revision=1, sites={}, trunks={t.id: t for t in TRUNKS}, agents={})


def test_own_trunks_by_priority_then_by_name() -> None:
    assert [t.id for t in routing.trunks_for(PARIS, DIRECTORY)] == ["paris-first", "paris-a", "paris-b"]


def test_other_sites_come_last_and_only_where_allowed() -> None:
    open_site = Site(id=Slug("paris"), name="Paris", allow_other_sites=True)
    assert routing.trunks_for(open_site, DIRECTORY)[-1].id == "lyon-1"


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [(None, OURS), (OURS_TOO, OURS_TOO), (THEIRS, OURS)],
)
def test_a_trunk_shows_only_what_it_owns(wanted: E164 | None, shown: E164) -> None:
    assert shown == routing.presented(trunk("paris-1", shows=(OURS, OURS_TOO)), wanted, "FR")


def test_a_trunk_without_numbers_shows_none() -> None:
    assert routing.presented(trunk("paris-1"), OURS, "FR") is None


def test_a_trunk_that_withholds_shows_none() -> None:
    shy = msgspec.structs.replace(trunk("paris-1", shows=(OURS,)), withhold=True)
    assert routing.presented(shy, OURS, "FR") is None


@pytest.mark.parametrize(
    ("country", "gateway", "shown"),
    [("FR", False, OURS), ("FR", True, MOBILE), ("BE", False, MOBILE)],
)
def test_a_french_mobile_number_is_shown_by_a_gsm_gateway_only(country: str, gateway: bool, shown: E164) -> None:
    both = msgspec.structs.replace(trunk("paris-1", shows=(MOBILE, OURS)), answers_early=gateway)
    assert routing.presented(both, MOBILE, country) == shown
    assert routing.may_present(E164("+33712345678"), both, country) is (shown == MOBILE)


def test_a_mobile_number_asked_for_as_caller_id_is_refused_by_its_own_name() -> None:
    plain = trunk("paris-1", shows=(OURS,))
    with pytest.raises(Refused) as refused:
        routing.check_caller_id(MOBILE, [plain])
    assert (refused.value.rule, refused.value.status) == ("caller-id-mobile", 422)
    with pytest.raises(Refused) as unowned:
        routing.check_caller_id(MOBILE, [msgspec.structs.replace(plain, answers_early=True)])
    assert unowned.value.rule == "caller-id-not-owned"


def test_a_trunk_that_takes_no_calls_out_is_not_tried() -> None:
    inward = msgspec.structs.replace(TRUNKS[0], allow_external=False)
    directory = Directory(revision=1, sites={}, trunks={inward.id: inward}, agents={})
    assert routing.trunks_for(PARIS, directory) == []


def test_a_caller_id_of_nobody_is_refused() -> None:
    owning = [trunk("paris-1", shows=(OURS,))]
    routing.check_caller_id(OURS, owning)
    routing.check_caller_id(None, [])
    with pytest.raises(Refused) as refused:
        routing.check_caller_id(THEIRS, owning)
    assert (refused.value.rule, refused.value.status) == ("caller-id-not-owned", 422)


def dialled(klass: NumberClass, country: str | None = "FR", e164: str | None = "+33140000009") -> Dialled:
    return Dialled(klass=klass, country=country, e164=E164(e164) if e164 else None, digits="0140000009")


ALL: tuple[NumberClass, ...] = get_args(NumberClass)
OPEN = Site(id=Slug("paris"), name="Paris", dialable_countries=("BE",), dialable_classes=("premium", "satellite"))


@pytest.mark.parametrize("klass", ["local", "mobile", "toll_free"])
def test_ordinary_numbers_of_the_sites_country(klass: NumberClass) -> None:
    assert routing.check_destination(dialled(klass), PARIS, DEFAULT_RIGHTS) == "+33140000009"


@pytest.mark.parametrize(
    ("number", "rights"),
    [
        (dialled("international", "BE", "+3225550000"), ("international",)),
        (dialled("toll_free", "BE", "+3280012345"), ("international", "toll_free")),
        (dialled("toll_free", None, "+80012345678"), ("international", "toll_free")),
        (dialled("shared_cost"), ("shared_cost",)),
        (dialled("premium"), ("premium",)),
        (dialled("satellite", None, "+88213000000"), ("satellite",)),
    ],
)
def test_each_right_opens_what_it_names(number: Dialled, rights: tuple[NumberClass, ...]) -> None:
    assert routing.check_destination(number, OPEN, rights) == number.e164
    for one in rights:
        without = tuple(right for right in ALL if right != one)
        with pytest.raises(Refused, match=f"the agent lacks the right `{one}`"):
            routing.check_destination(number, OPEN, without)


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        (dialled("emergency", e164=None), "destination-emergency"),
        (dialled("internal", e164=None), "destination-internal"),
        (dialled("service", e164=None), "destination-short-number"),
        (dialled("premium"), "destination-premium"),
        (dialled("shared_cost"), "destination-shared-cost"),
        (dialled("international", "US", "+12025550100"), "destination-international"),
        (dialled("toll_free", "BE", "+3280012345"), "destination-toll-free"),
        (dialled("unknown", None), "destination-unknown"),
    ],
)
def test_denied_unless_allowed(number: Dialled, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        routing.check_destination(number, PARIS, DEFAULT_RIGHTS)
    assert (rule, 403) == (refused.value.rule, refused.value.status)


@pytest.mark.parametrize(
    ("number", "lacks"),
    [
        (dialled("premium"), "`dialable_classes` of site paris lacks premium"),
        (dialled("satellite", None, "+88213000000"), "`dialable_classes` of site paris lacks satellite"),
        (dialled("personal"), "`dialable_classes` of site paris lacks personal"),
        (dialled("unknown"), "`dialable_classes` of site paris lacks unknown"),
        (dialled("international", "US", "+12025550100"), "`dialable_countries` of site paris lacks US"),
        (dialled("shared_cost", "GB", "+448450000000"), "`dialable_countries` of site paris lacks GB"),
    ],
)
def test_every_right_of_an_agent_is_not_the_sites(number: Dialled, lacks: str) -> None:
    with pytest.raises(Refused) as refused:
        routing.check_destination(number, PARIS, ALL)
    assert refused.value.message.endswith(lacks)
    assert refused.value.what_next


def test_a_premium_number_abroad_needs_its_country_too() -> None:
    with pytest.raises(Refused, match="lacks GB"):
        routing.check_destination(dialled("premium", "GB", "+449061234567"), OPEN, ALL)
    assert routing.check_destination(dialled("premium", "BE", "+3290012345"), OPEN, ALL)


DEAR: dict[int, NumberClass] = {
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium",
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "personal",
    phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
}
TYPED = st.one_of(
    st.from_regex(r"0[0-9]{9}", fullmatch=True),
    st.from_regex(r"(\+|00)[1-9][0-9]{5,14}", fullmatch=True),
    st.from_regex(r"(\+1|\+44|\+33|\+87|\+88|\+97)[0-9]{6,11}", fullmatch=True),
    st.text(alphabet="0123456789+", min_size=1, max_size=16),
)


@given(TYPED)
def test_by_default_nothing_leaves_the_country_and_nothing_costs_more(text: str) -> None:
    try:
        number = routing.check_destination(parse_dialled(text, "FR", PARIS.extensions), PARIS, DEFAULT_RIGHTS)
    except (Refused, InvalidValue):
        return
    assert number.startswith("+33")
    assert re.fullmatch(r"\+33([1-5]|6|7|9|80)[0-9]+", number)
    assert not number.startswith(("+33590", "+33690", "+33692"))


TRUNK = Trunk(id=Slug("paris-1"), site=Slug("paris"), kind="peer", host="192.0.2.1")
COUNTRIES = ("BE", "CH", "US", "GB", "MC")


@given(
    TYPED,
    st.lists(st.sampled_from(ALL), unique=True),
    st.lists(st.sampled_from(COUNTRIES), unique=True),
    st.lists(st.sampled_from(sorted(routing.COSTLY)), unique=True),
)
def test_nothing_denied_is_dialled(
    text: str, rights: list[NumberClass], countries: list[str], classes: list[NumberClass]
) -> None:
    """Whatever is typed, whoever may what: what is in the dial string is judged by libphonenumber itself."""
    site = msgspec.structs.replace(PARIS, dialable_countries=tuple(countries), dialable_classes=tuple(classes))
    try:
        allowed = routing.check_destination(parse_dialled(text, "FR", site.extensions), site, rights)
    except (Refused, InvalidValue):
        return
    (digits,) = re.fullmatch(r"PJSIP/\+([0-9]+)@trunk-paris-1", to_trunk(allowed, TRUNK, "FR")).groups()  # type: ignore[union-attr]
    number = phonenumbers.parse(f"+{digits}")
    region = phonenumbers.region_code_for_number(number)
    assert region in {"FR", "001", None, *countries}
    assert region in {"FR", "001", None} or "international" in rights
    for kind, right in DEAR.items():
        if phonenumbers.number_type(number) == kind:
            assert right in rights
            assert right in classes or right not in routing.COSTLY
