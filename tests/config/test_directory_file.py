"""Directory files: what they mean, what they refuse, and that nothing is lost on the way out and back."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.accounts import random_text
from engine.config.directory_export import export
from engine.config.directory_fields import FIELDS
from engine.config.directory_file import load_directory_file, read_directory
from engine.domain.directory import EMPTY, Directory, ToApplication, ToGroup
from engine.domain.directory_check import problems
from engine.domain.directory_kinds import SECTIONS
from engine.domain.directory_plan import plan
from engine.domain.values import E164, Slug
from engine.errors import BadFile
from tests.config.directories import ANY_TEXT, BOTH, FULL, LYON, MARIE, PARIS, SALES

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "directory.yaml"
SITES = "sites: {paris: {name: Paris, extensions: 2000-2002}}\n"


def wanted(text: str, current: Directory = EMPTY) -> Directory:
    return read_directory(text, "f.yaml", current)


def faults(text: str, current: Directory = EMPTY) -> list[str]:
    with pytest.raises(BadFile) as caught:
        wanted(text, current)
    return caught.value.message.splitlines()


def test_the_example_is_sound_and_importing_it_twice_changes_nothing() -> None:
    once = load_directory_file(EXAMPLE, EMPTY)
    assert (len(once.sites), len(once.trunks), len(once.agents)) == (2, 3, 5)
    assert problems(once) == ()
    assert plan(once, load_directory_file(EXAMPLE, once)) == []


def test_secrets_and_extensions_are_made_and_kept() -> None:
    first = wanted(SITES + "agents: {marie: {name: Marie, site: paris}, paul: {name: Paul, site: paris}}").agents
    marie = first[MARIE.id]
    assert (marie.extension, first["paul"].extension) == ("2000", "2001")  # type: ignore[index]
    assert len(marie.secret) == 20
    assert marie.sip_user.startswith("marie-")
    assert marie.extension not in marie.sip_user


def test_an_agent_named_like_a_trunk_does_not_register_as_one() -> None:
    text = SITES + "agents: {trunk-paris: {name: T, site: paris}}"
    assert wanted(text).agents["trunk-paris"].sip_user.startswith("agent-trunk-paris-")  # type: ignore[index]


def test_a_given_secret_is_taken_and_a_short_one_refused() -> None:
    text = SITES + "agents: {marie: {name: Marie, site: paris, secret: %s}}"
    assert wanted(text % "0123456789abcdef").agents[MARIE.id].secret == "0123456789abcdef"
    assert (faults(text % "2000")) == [
        "f.yaml:2:52: agent marie: secret: too short: at least 12 characters; leave it out to have one generated"
    ]


def test_a_trunk_keeps_its_secret_while_it_registers() -> None:
    text = "trunks: {gsm: {site: lyon, kind: register, host: 127.0.0.4, username: gsm-1}}"
    assert wanted(text, BOTH).trunks[next(t for t in BOTH.trunks if t == "gsm")].secret == "p;w"
    as_peer = "trunks: {gsm: {site: lyon, kind: peer, host: 127.0.0.4}}"
    assert wanted(as_peer, BOTH).trunks[next(t for t in BOTH.trunks if t == "gsm")].secret is None


def test_nothing_is_removed_unless_the_file_says_it_is_complete() -> None:
    partial = "agents: {paul: {name: Paul, site: paris}}"
    assert {"marie", "paul"} == wanted(partial, BOTH).agents.keys()
    whole = "complete: yes\nsites: {paris: {name: Paris}}\n" + partial
    kept = wanted(whole, BOTH)
    assert (list(kept.sites), list(kept.trunks), list(kept.agents)) == (["paris"], [], ["paul"])


def test_an_extension_in_use_is_not_allotted() -> None:
    assert wanted("agents: {paul: {name: Paul, site: paris}}", BOTH).agents["paul"].extension == "2001"  # type: ignore[index]


def test_scalars_are_the_text_that_was_written() -> None:
    site = wanted("sites: {paris: {name: 12:30, language: fr}, no: {name: on}}").sites
    assert {name: found.name for name, found in site.items()} == {"paris": "12:30", "no": "on"}


def test_numbers_are_read_by_the_country_of_the_site() -> None:
    text = "sites: {berlin: {name: Berlin, country: DE}}\nagents: {a: {name: A, site: berlin, mobile: 0151 23456789}}"
    assert wanted(text).agents["a"].mobile == "+4915123456789"  # type: ignore[index]


FAULTS = [
    ("sites:\n  paris: {name: Paris}\n  paris: {name: Lyon}", "f.yaml:3:3: sites: 'paris' stands here twice"),
    ("sites: {paris: {name: P, contry: FR}}", "f.yaml:1:26: site paris: unknown key 'contry'; did you mean 'country'?"),
    ("sites: {paris: {country: FR}}", "f.yaml:1:9: site paris: name is missing"),
    ("sites: {Paris: {name: P}}", "f.yaml:1:9: site: 'Paris' is not an identifier"),
    ("sites: {paris: {name: [a, b]}}", "f.yaml:1:23: site paris: name: expected one value"),
    ("sites: {paris: {name: P, dialable_countries: [{}]}}", "dialable_countries: expected a list of values"),
    ("sites: {paris: {name: P, dialable_classes: [local]}}", "'local' is not one of personal, premium, satellite"),
    ("sites: {paris: {name: P, open_hours: always}}", "'always' are no opening hours"),
    ("sites: {paris: {name: P, local_networks: [everything]}}", "'everything' is not a network"),
    ("sites: {paris: {name: P, external_address: 198.51.100.7}}", "needs a SIP port of its own"),
    ("agents: {m: {name: M, site: paris, rights: [emergency]}}", "'emergency' is not one of internal, service"),
    ("sites: {paris: {name: P, extensions: 2099-2000}}", "extensions: 2099-2000 is not a range"),
    ("sites: {paris: {name: P, extensions: all}}", "'all' is not a range of extensions"),
    ("sites: {paris: {name: P, time_zone: Paris}}", "'Paris' is not a time zone"),
    ("sites: {paris: {name: P, country: Gallia}}", "'Gallia' is not a country"),
    ("sites: {paris: {name: P, confirm: maybe}}", "'maybe' is neither yes nor no"),
    ("sites: {paris: {name: P, language: de}}", "'de' is not one of fr, en"),
    ("sites: {paris: {name: P, ring_agent_s: 3}}", "'3' is not a whole number from 5 to 300"),
    ("sites: {? [a] : {name: P}}", "a key must be a word"),
    ("trunks: 5", "f.yaml:1:9: trunks: expected `key: value` lines"),
    (SITES + "trunks: {t: {site: paris, kind: peer, host: 10.0.0.300}}", "neither an IP address nor a DNS name"),
    (SITES + "trunks: {t: {site: paris, kind: peer, host: a, dial_prefix: 9w}}", "'9w' is not a prefix"),
    (SITES + "trunks: {t: {site: paris, kind: peer, host: a, caller_ids: 112}}", "is a short number"),
    (SITES + "trunks: {t: {site: lyon, kind: peer, host: a}}", "f.yaml:2:20: trunk t: site: there is no site 'lyon'"),
    (SITES + "trunks: {t: {site: paris, kind: register, host: a}}", "a trunk that registers needs a username"),
    (
        SITES + "trunks: {t: {site: paris, kind: peer, host: a}, u: {site: paris, kind: peer, host: a}}",
        "trunk u: host: trunk 't' is at a too",
    ),
    (SITES + "agents: {a: {name: A, site: lyon}}", "agent a: there is no site 'lyon'"),
    (SITES + "agents: {a: {name: A, site: paris, mode: mobile}}", "agent a: mobile: works in mobile mode"),
    (SITES + "agents: {a: {name: A, site: paris, sip_user: trunk-1}}", "'trunk-1' is not a SIP user"),
    (SITES + "agents: {a: {name: A, site: paris, extension: 0123}}", "'0123' is not an extension"),
    (SITES + "agents: {a: {name: '', site: paris}}", "is not a name"),
    (
        SITES + "agents: {a: {name: A, site: paris, extension: 2000}, b: {name: B, site: paris, extension: 2000}}",
        "agent b: extension: '2000' belongs to agent 'a' already",
    ),
    (
        SITES + "agents: {" + ", ".join(f"a{n}: {{name: A, site: paris}}" for n in range(4)) + "}",
        "agent a3: no extension is free at site paris",
    ),
    ("groups: {g: {name: G}}", "f.yaml:1:10: group g: site is missing"),
    (SITES + "groups: {g: {name: G, site: paris, strategy: random}}", "'random' is not one of ring_all, one_by_one"),
    (SITES + "groups: {g: {name: G, site: paris, extension: 2003}}", "2003 is not one of site paris's extensions"),
    (SITES + "groups: {g: {name: G, site: paris, members: [x]}}", "f.yaml:2:45: group g: members: there is no agent"),
    (SITES + "groups: {g: {name: G, site: lyon}}", "f.yaml:2:29: group g: there is no site 'lyon'"),
    ("numbers: {0140000001: {trunk: t}}", "f.yaml:1:11: number: '0140000001' is not an E.164 number"),
    ("numbers: {+33140000001: {trunk: t}}", "f.yaml:1:11: number +33140000001: target is missing"),
    ("numbers: {+33140000001: {target: marie}}", "target: expected one of {agent: ...}, {group: ...}"),
    ("numbers: {+33140000001: {target: {agent: a, group: b}}}", "target: expected one of {agent: ...}, {group: ...}"),
    ("numbers: {+33140000001: {target: {queue: a}}}", "f.yaml:1:34: number +33140000001: target: expected one of"),
    ("numbers: {+33140000001: {target: {agent: [a]}}}", "target: expected one of {agent: ...}, {group: ...}"),
    ("numbers: {+33140000001: {target: {agent: A B}}}", "target: 'A B' is not an identifier"),
    ("numbers: {+33140000001: {valid_from: 1/12/2026}}", "'1/12/2026' is not a day such as 2026-11-30"),
    ("numbers: {+33140000001: {valid_from: 2026-02-30}}", "'2026-02-30' is not a day"),
    ("numbers: {+33140000001: {valid_from: 2026-W49-1}}", "'2026-W49-1' is not a day"),
    ("applications: {a: {name: A, site: paris}}", "application a: scenario is missing"),
    ("applications: {a: {alias: next}}", "'next' is not one of live, previous, test"),
    ("applications: {a: {test_callers: [12, 0123]}}", "'0123'"),
    ("dispositions: {a b: {label_fr: A, label_en: A}}", "f.yaml:1:16: disposition: 'a b' is not a code"),
    ("dispositions: {a: {label_fr: A}}", "disposition a: label_en is missing"),
    (
        "calendars: {w: {name: W, hours: 24 h}}",
        "'24 h' are no opening hours: '24 h', at character 1, is not understood",
    ),
    ("calendars: {w: {name: W, hours: 10:00-12:00, holidays: May 1}}", "'May 1' is no holiday such as '05-02 Pont'"),
    (SITES + "calendars: {w: {name: W, site: lyon, hours: 24/7}}", "f.yaml:2:32: calendar w: site: there is no site"),
    ("calendars: {w: {name: W, hours: 24/7}}", "f.yaml:1:13: calendar w: time_zone: a site or a time zone is needed"),
    ("site: {}", "f.yaml:1:1: unknown key 'site'; did you mean 'sites'?"),
    (
        "colour: {}",
        "unknown key 'colour'; known: agents, applications, calendars, complete, dispositions, groups, numbers, sites",
    ),
    ("complete: maybe", "f.yaml:1:11: complete: yes or no"),
    ("complete: [yes]", "f.yaml:1:11: complete: yes or no"),
    ("- a", "f.yaml:1:1: the file: expected `key: value` lines"),
    ("sites: {paris: &p {name: P}, lyon: *p}", "f.yaml:1:36: aliases are not read here"),
    ("sites: {paris: [", "f.yaml:1:17: "),
    ("sites: \x00", "f.yaml:1:8: not YAML"),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_a_fault_is_shown_with_its_place(text: str, fault: str) -> None:
    assert any(fault in line for line in faults(text)), faults(text)


def test_all_faults_are_shown_at_once_in_the_order_of_the_file() -> None:
    text = "sites:\n  paris: {contry: FR}\nagents:\n  a: {site: paris, devices: many}\nfoo: 1\n"
    assert [line.rsplit(": ", line.count(": "))[0] for line in faults(text)] == [
        "f.yaml:2:3",
        "f.yaml:2:11",
        "f.yaml:4:3",
        "f.yaml:4:29",
        "f.yaml:5:1",
    ]


def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        load_directory_file(tmp_path / "none.yaml", EMPTY)
    (tmp_path / "latin.yaml").write_bytes(b"sites: \xe9")
    with pytest.raises(BadFile, match="cannot be read"):
        load_directory_file(tmp_path / "latin.yaml", EMPTY)
    with (tmp_path / "huge.yaml").open("wb") as huge:
        huge.truncate(17 * 1024 * 1024)
    with pytest.raises(BadFile, match="larger than"):
        load_directory_file(tmp_path / "huge.yaml", EMPTY)


def test_the_tables_name_every_field_of_the_model() -> None:
    for kind, section in SECTIONS.items():
        assert set(FIELDS[kind]) == set(section.model.__struct_fields__) - {"id"}


def test_an_exported_directory_reads_back_as_itself() -> None:
    assert wanted(export(BOTH), BOTH) == BOTH
    assert msgspec.structs.replace(BOTH, revision=0) == wanted(export(BOTH, with_secrets=True))
    assert "abcdefgh2345" not in export(BOTH)
    assert wanted(export(EMPTY)) == EMPTY
    assert wanted(export(FULL), BOTH) == FULL


GROUPS = (
    "agents: {marie: {name: Marie, site: paris}}\n"
    "trunks: {t: {site: paris, kind: peer, host: 192.0.2.1}}\n"
    "groups: {sales: {name: Sales, site: paris, members: [marie], strategy: one_by_one}}\n"
    "numbers: {+33140000001: {trunk: t, target: {group: sales}, valid_from: 2026-12-01, service: 24/7}}\n"
    "dispositions: {Sale.1: {label_fr: Vente, label_en: Sale, campaigns: spring}}\n"
)


def test_groups_numbers_and_dispositions() -> None:
    found = wanted(SITES + GROUPS)
    (group,), (number,), (code,) = found.groups.values(), found.numbers.values(), found.dispositions.values()
    assert (group.extension, group.members, group.ring_s) == ("2001", ("marie",), 20)
    assert (number.id, number.target, number.valid_from) == ("+33140000001", ToGroup(group.id), date(2026, 12, 1))
    assert (number.active, number.valid_until, number.service) == (True, None, "24/7")
    assert (code.id, code.label_fr, code.campaigns) == ("Sale.1", "Vente", ("spring",))
    assert wanted(SITES + GROUPS, found) == found


def test_applications() -> None:
    text = (
        "applications: {hotline: {name: H, site: paris, scenario: standard, test_callers: [06 12 34 56 78, 2000]}}\n"
        "numbers: {+33140000009: {trunk: paris-1, target: {application: hotline}}}"
    )
    found = wanted(text, msgspec.structs.replace(FULL, applications={}))
    (hotline,) = found.applications.values()
    assert (hotline.test_callers, hotline.extension, hotline.alias) == (("+33612345678", "2000"), None, "live")
    assert found.numbers[E164("+33140000009")].target == ToApplication(hotline.id)


def test_nobody_is_allotted_an_applications_extension() -> None:
    applications = "applications: {a: {name: A, site: paris, scenario: s, extension: 2001}}\n"
    found = wanted(applications + "agents: {zoe: {name: Zoe, site: paris}}", FULL)
    assert found.agents[Slug("zoe")].extension == "2002"


def test_calendars() -> None:
    text = "calendars: {week: {name: Week, site: paris, hours: '  Mo-Fr  08:00-18:00; PH off', holidays: 05-02   Pont}}"
    (found,) = wanted(SITES + text).calendars.values()
    assert (found.hours, found.holidays) == ("Mo-Fr 08:00-18:00; PH off", ("05-02 Pont",))
    assert (found.site, found.time_zone, found.country, found.public_holidays) == ("paris", None, None, True)


def test_an_extension_is_a_groups_or_an_agents() -> None:
    group = "groups: {sales: {name: Sales, site: paris}}\n"
    kept = wanted(group + "agents: {zoe: {name: Zoe, site: paris}}", FULL)
    assert (kept.groups[SALES.id].extension, kept.agents[Slug("zoe")].extension) == ("2090", "2001")
    zoe = "agents: {zoe: {name: Zoe, site: paris}}\n"
    asked = wanted(SITES + zoe + "groups: {g: {name: G, site: paris, extension: 2000}}")
    assert asked.agents[Slug("zoe")].extension == "2001"
    taken = faults("groups: {g: {name: G, site: paris, extension: 2000}}", FULL)
    assert taken == ["f.yaml:1:47: group g: extension: '2000' belongs to agent 'marie' already"]


def test_what_is_named_is_not_left_out_of_a_complete_file() -> None:
    text = "complete: yes\n" + export(FULL).split("complete: 'yes'\n")[-1].replace("  marie:", "  marie-2:")
    assert [line.split(": ", 1)[1] for line in faults(text, FULL)] == [
        "group sales: members: there is no agent 'marie'",
        "number +33140000002: target: there is no agent 'marie'",
    ]


def test_an_empty_file_changes_nothing() -> None:
    assert wanted("", BOTH) == BOTH


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=80), st.booleans())
def test_any_name_survives_export_and_import(name: str, confirm: bool) -> None:
    if not name.strip():
        return
    site = msgspec.structs.replace(PARIS, name=name.strip(), confirm=confirm)
    directory = msgspec.structs.replace(BOTH, sites={PARIS.id: site, LYON.id: LYON})
    if name.isprintable():
        assert directory == wanted(export(directory), BOTH)


@given(ANY_TEXT)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = wanted(text)
    except BadFile:
        return
    assert found == EMPTY


def test_generated_text_is_long_enough_and_unlike_the_last() -> None:
    assert len(random_text(20)) == 20
    assert random_text(20) != random_text(20)
