"""What must hold of groups and numbers, who names whom, and what a plan says of them."""

from datetime import date

import msgspec
import pytest

from engine.domain.directory import EMPTY, Directory, Group, ToAgent, ToApplication, ToGroup
from engine.domain.directory_check import problems
from engine.domain.directory_kinds import SECTIONS, Kind, entries_of, entry, users_of
from engine.domain.directory_plan import as_text, plan
from engine.domain.values import Extension, Slug
from engine.errors import InvalidValue
from tests.config.directories import DIRECT, FULL, GSM, HOTLINE, MAIN, MARIE, PEER, SALE, SALES, WEEK


def with_group(**changes: object) -> Directory:
    return msgspec.structs.replace(FULL, groups={SALES.id: msgspec.structs.replace(SALES, **changes)})


def with_application(**changes: object) -> Directory:
    return msgspec.structs.replace(FULL, applications={HOTLINE.id: msgspec.structs.replace(HOTLINE, **changes)})


def with_number(**changes: object) -> Directory:
    return msgspec.structs.replace(FULL, numbers={MAIN.id: msgspec.structs.replace(MAIN, **changes)})


def with_calendar(**changes: object) -> Directory:
    return msgspec.structs.replace(FULL, calendars={WEEK.id: msgspec.structs.replace(WEEK, **changes)})


def test_a_sound_directory_of_every_kind_has_no_problems() -> None:
    assert problems(FULL) == ()
    assert all(entries_of(FULL, kind) for kind in SECTIONS)


WRONG = [
    (with_group(site=Slug("lille")), "group sales: site: there is no site 'lille'"),
    (with_group(members=(MARIE.id, Slug("bob"))), "group sales: members: there is no agent 'bob'"),
    (with_group(members=(MARIE.id, MARIE.id)), "group sales: members: agent 'marie' is named twice"),
    (with_group(extension=MARIE.extension), "group sales: extension: '2000' belongs to agent 'marie' already"),
    (with_group(extension=Extension("2100")), "extension: 2100 is not one of site paris's extensions, 2000-2099"),
    (with_group(extension=Extension("1999")), "extension: 1999 is not one of site paris's extensions, 2000-2099"),
    (with_application(site=Slug("lille")), "application hotline: site: there is no site 'lille'"),
    (
        with_application(extension=SALES.extension),
        "application hotline: extension: '2090' belongs to group 'sales' already",
    ),
    (
        with_application(extension=Extension("2100")),
        "application hotline: extension: 2100 is not one of site paris's extensions, 2000-2099",
    ),
    (
        with_application(any_number_of=(Slug("lost"),)),
        "application hotline: any_number_of: there is no trunk 'lost'",
    ),
    (
        with_application(valid_from=date(2028, 1, 1)),
        "application hotline: valid_until: 2027-12-31 is before valid_from, 2028-01-01",
    ),
    (with_calendar(site=Slug("lille")), "calendar week: site: there is no site 'lille'"),
    (with_calendar(site=None), "calendar week: time_zone: a site or a time zone is needed: what time is it there?"),
    (
        with_calendar(country="RE"),
        "country: the public holidays of RE are not known here: name another country, or public_holidays: no",
    ),
    (with_calendar(holidays=("05-02 Pont", "05-02 10:00-12:00 P")), "calendar week: holidays: May 02 is named 2 times"),
    (with_number(trunk=Slug("lost")), "number +33140000001: trunk: there is no trunk 'lost'"),
    (with_number(target=ToAgent(Slug("bob"))), "number +33140000001: target: there is no agent 'bob'"),
    (with_number(target=ToApplication(Slug("bob"))), "number +33140000001: target: there is no application 'bob'"),
    (with_number(target=ToGroup(Slug("bob"))), "number +33140000001: target: there is no group 'bob'"),
    (with_number(valid_until=date(2026, 11, 30)), "valid_until: 2026-11-30 is before valid_from, 2026-12-01"),
]


@pytest.mark.parametrize(("directory", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_must_hold(directory: Directory, told: str) -> None:
    (problem,) = problems(directory)
    assert str(problem).endswith(told)


@pytest.mark.parametrize("changes", [{"valid_until": date(2026, 12, 1)}, {"valid_from": None}, {"active": False}])
def test_days_that_do_hold(changes: dict[str, object]) -> None:
    assert problems(with_number(**changes)) == ()


def test_two_groups_do_not_share_an_extension() -> None:
    twin = msgspec.structs.replace(SALES, id=Slug("twin"))
    directory = msgspec.structs.replace(FULL, groups={SALES.id: SALES, twin.id: twin})
    assert [str(p) for p in problems(directory)] == ["group twin: extension: '2090' belongs to group 'sales' already"]


def test_the_other_numbers_of_a_trunk_lead_to_one_application() -> None:
    again = msgspec.structs.replace(HOTLINE, id=Slug("again"), extension=None, any_number_of=(PEER.id, GSM.id))
    doubled = msgspec.structs.replace(FULL, applications={HOTLINE.id: HOTLINE, again.id: again})
    (problem,) = problems(doubled)
    assert str(problem) == (
        "application again: any_number_of: any number of trunk 'gsm' leads to application 'hotline' already"
    )


USERS: list[tuple[Kind, str, list[str]]] = [
    ("site", "paris", ["trunk paris-1", "agent marie", "group sales", "application hotline", "calendar week"]),
    ("site", "lyon", ["trunk gsm"]),
    ("trunk", "paris-1", [f"number {MAIN.id}", f"number {DIRECT.id}"]),
    ("trunk", "gsm", ["application hotline"]),
    ("agent", "marie", ["group sales", f"number {DIRECT.id}"]),
    ("group", "sales", [f"number {MAIN.id}"]),
    ("application", "hotline", []),
    ("number", MAIN.id, []),
    ("disposition", "Sale.1", []),
    ("calendar", "week", []),
]


@pytest.mark.parametrize(("kind", "name", "users"), USERS, ids=[f"{kind} {name}" for kind, name, _ in USERS])
def test_who_names_an_entry(kind: Kind, name: str, users: list[str]) -> None:
    assert users_of(FULL, kind, name) == users


def test_a_plan_adds_what_is_named_first_and_removes_it_last() -> None:
    words = [f"{change.kind} {change.id}" for change in plan(EMPTY, FULL)]
    assert words[-7:] == [
        "agent marie",
        "group sales",
        "application hotline",
        f"number {MAIN.id}",
        f"number {DIRECT.id}",
        "disposition Sale.1",
        "calendar week",
    ]
    assert [change.kind for change in plan(FULL, EMPTY)][:3] == ["calendar", "disposition", "number"]


def test_a_plan_shows_members_days_and_targets() -> None:
    now = with_number(target=ToAgent(MARIE.id), valid_until=date(2027, 1, 31))
    assert as_text(plan(FULL, msgspec.structs.replace(now, groups=with_group(members=()).groups))) == (
        "~ group sales\n    members: marie -> -\n"
        f"~ number {MAIN.id}\n    target: group sales -> agent marie\n    valid_until: - -> 2027-01-31\n"
        f"- number {DIRECT.id}\n\n2 to change, 1 to remove."
    )


def test_an_entry_is_made_of_its_kind() -> None:
    fields = {"name": "Sales", "site": Slug("paris"), "extension": Extension("2090")}
    assert entry("group", "sales", fields) == Group(id=Slug("sales"), **fields)  # type: ignore[arg-type]
    assert entry("disposition", "Sale.1", {"label_fr": "Vente", "label_en": "Sale", "campaigns": ("spring",)}) == SALE


@pytest.mark.parametrize(
    ("kind", "name"), [("number", "0140000001"), ("disposition", "a sale"), ("disposition", ""), ("group", "Sales")]
)
def test_a_name_that_is_none(kind: Kind, name: str) -> None:
    with pytest.raises(InvalidValue):
        entry(kind, name, {})
