"""The plan a person reads before a directory changes, and what must hold in a directory."""

import msgspec
import pytest

from engine.domain.directory import EMPTY, Agent, Directory
from engine.domain.directory_check import problems
from engine.domain.directory_plan import Change, FieldChange, as_text, plan
from engine.domain.values import Slug
from tests.config.directories import BOTH, GSM, LYON, MARIE, PARIS, PEER


def with_marie(**changes: object) -> Directory:
    return msgspec.structs.replace(BOTH, agents={MARIE.id: msgspec.structs.replace(MARIE, **changes)})


def test_the_same_directory_has_nothing_to_change() -> None:
    assert plan(BOTH, msgspec.structs.replace(BOTH, revision=8)) == []
    assert as_text([]) == "Nothing to change."


def test_additions_come_sites_first_and_removals_agents_first() -> None:
    there = [(c.action, c.kind, c.id) for c in plan(EMPTY, BOTH)]
    assert there == [
        ("add", "site", "lyon"),
        ("add", "site", "paris"),
        ("add", "trunk", "gsm"),
        ("add", "trunk", "paris-1"),
        ("add", "agent", "marie"),
    ]
    back = [(c.action, c.kind, c.id) for c in plan(BOTH, EMPTY)]
    assert back == [
        ("remove", "agent", "marie"),
        ("remove", "trunk", "gsm"),
        ("remove", "trunk", "paris-1"),
        ("remove", "site", "lyon"),
        ("remove", "site", "paris"),
    ]


def test_a_change_names_its_fields_and_hides_secrets() -> None:
    changes = plan(BOTH, with_marie(devices=2, secret="another-secret", confirm=False))
    assert changes == [
        Change(
            "change",
            "agent",
            MARIE.id,
            (
                FieldChange("secret", "(hidden)", "(hidden)"),
                FieldChange("confirm", None, False),
                FieldChange("devices", 3, 2),
            ),
        )
    ]
    assert as_text(changes) == (
        "~ agent marie\n    secret: changed (hidden)\n    confirm: - -> no\n    devices: 3 -> 2\n\n1 to change."
    )


def test_the_text_of_a_whole_import_shows_no_secret() -> None:
    text = as_text(plan(EMPTY, BOTH) + plan(BOTH, EMPTY))
    assert text.endswith("5 to add, 5 to remove.")
    assert MARIE.secret not in text
    assert "extensions: 2000, 2099" in text


def test_an_emptied_list_is_shown_as_a_dash() -> None:
    full = msgspec.structs.replace(PARIS, dialable_countries=("BE",))
    before = msgspec.structs.replace(BOTH, sites={PARIS.id: full, LYON.id: LYON})
    assert "dialable_countries: BE -> -" in as_text(plan(before, BOTH))


def test_a_sound_directory_has_no_problems() -> None:
    assert problems(BOTH) == ()


def test_every_problem_is_named_at_once() -> None:
    nowhere = Slug("nowhere")
    twin: Agent = msgspec.structs.replace(MARIE, id=Slug("twin"), site=nowhere, mode="mobile", mobile=None)
    broken = Directory(
        revision=1,
        sites={PARIS.id: msgspec.structs.replace(PARIS, extensions=(2099, 2000))},
        trunks={
            PEER.id: PEER,
            Slug("same"): msgspec.structs.replace(PEER, id=Slug("same"), site=nowhere),
            Slug("off"): msgspec.structs.replace(PEER, id=Slug("off"), enabled=False),
            GSM.id: msgspec.structs.replace(GSM, site=PARIS.id, secret=None),
        },
        agents={MARIE.id: MARIE, twin.id: twin},
    )
    assert [str(problem) for problem in problems(broken)] == [
        "trunk same: site: there is no site 'nowhere'",
        "agent twin: site: there is no site 'nowhere'",
        "site paris: extensions: 2099-2000 is not a range of numbers of 2 to 6 digits",
        "trunk same: host: trunk 'paris-1' is at 127.0.0.2 too: calls from there could belong to either",
        "trunk gsm: username: a trunk that registers needs a username and a secret",
        "agent twin: extension: '2000' belongs to agent 'marie' already",
        "agent twin: sip_user: 'marie-k7f3qz' belongs to agent 'marie' already",
        "agent twin: mobile: works in mobile mode, so a mobile number is needed",
    ]


@pytest.mark.parametrize(("letters", "webrtc", "expected"), [(60, True, []), (61, True, ["sip_user"]), (64, False, [])])
def test_a_sip_user_leaves_room_for_a_browsers_account(letters: int, webrtc: bool, expected: list[str]) -> None:
    marie = msgspec.structs.replace(MARIE, sip_user="m" * letters, webrtc=webrtc)
    house = Directory(revision=1, sites={PARIS.id: PARIS}, trunks={}, agents={marie.id: marie})
    assert [problem.field for problem in problems(house)] == expected
