"""One entry by typed fields: the same rules as a file, and nothing of YAML's own ideas about texts."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from engine.config.directory_fields import FIELDS
from engine.config.directory_file import FieldValue, with_entry
from engine.domain.directory import EMPTY, ToAgent
from engine.domain.directory_kinds import Kind
from engine.domain.values import E164, Slug
from engine.errors import InvalidValue
from engine.http.routes.directory import AgentBody, SiteBody, TrunkBody
from engine.http.routes.directory_more import (
    ApplicationBody,
    CalendarBody,
    DispositionCodeBody,
    GroupBody,
    NumberBody,
)
from tests.config.directories import ANY_TEXT, BOTH, FULL, MARIE, PEER

BODIES: dict[Kind, Any] = {
    "site": SiteBody, "trunk": TrunkBody, "agent": AgentBody, "group": GroupBody, "number": NumberBody,
    "disposition": DispositionCodeBody, "application": ApplicationBody, "calendar": CalendarBody,
}  # fmt: skip


def test_fields_left_out_have_defaults_and_what_was_generated_stays() -> None:
    changed = with_entry("agent", "marie", {"name": "Marie", "site": "paris", "devices": None}, BOTH)
    marie = changed.agents[MARIE.id]
    assert (marie.name, marie.mobile, marie.devices) == ("Marie", None, 3)
    assert (marie.secret, marie.sip_user, marie.extension) == (MARIE.secret, MARIE.sip_user, MARIE.extension)
    assert (changed.revision, changed.trunks) == (BOTH.revision, BOTH.trunks)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"site": "nowhere"}, "/site"), ({"mobile": "112"}, "/mobile"), ({"devices": 99}, "/devices"),
        ({"extension": "0123"}, "/extension"), ({"sip_user": "trunk-x"}, "/sip_user"), ({"secret": "short"}, "/secret"),
        ({"name": ""}, "/name"), ({"mode": "mobile"}, None),
    ],
)  # fmt: skip
def test_the_wrong_field_is_pointed_at(change: dict[str, FieldValue], pointer: str | None) -> None:
    with pytest.raises(InvalidValue) as wrong:
        with_entry("agent", "zoe", {"name": "Zoe", "site": "paris", **change}, BOTH)
    assert wrong.value.pointer == pointer


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidValue, match=r"(?s)mobile.*devices") as wrong:
        with_entry("agent", "zoe", {"name": "Zoe", "site": "paris", "mobile": "x", "devices": 0}, BOTH)
    assert wrong.value.pointer == "/mobile"


@pytest.mark.parametrize("name", ["Zoe", "-a", "a-", "", "a" * 41, "a/b", "a b"])
def test_a_name_that_is_no_identifier(name: str) -> None:
    with pytest.raises(InvalidValue, match="identifier"):
        with_entry("site", name, {"name": "X"}, EMPTY)


@pytest.mark.parametrize(
    "text", ["null", "~", "yes", "2000", "12:30", "- a", "&a", "*a", "!!int 3", "# x", "{a: b}", "👍"]
)
def test_a_text_means_only_itself(text: str) -> None:
    assert with_entry("site", "x", {"name": text}, EMPTY).sites[Slug("x")].name == text


@given(text=ANY_TEXT)
def test_any_text_is_taken_as_it_is_or_refused(text: str) -> None:
    pointers: set[str | None] = set()
    try:
        made = with_entry("site", "x", {"name": text}, EMPTY)
    except InvalidValue as refused:
        pointers.add(refused.pointer)
    else:
        assert made.sites[Slug("x")].name == text.strip()
    assert pointers <= {"/name"}


def test_lists_and_booleans() -> None:
    body: dict[str, Any] = {"site": "paris", "kind": "peer", "host": PEER.host, "caller_ids": ["01 40 00 00 00"]}
    trunk = with_entry("trunk", "paris-1", {**body, "codecs": ["alaw"], "enabled": False}, BOTH).trunks[PEER.id]
    assert (trunk.caller_ids, trunk.codecs, trunk.enabled) == (("+33140000000",), ("alaw",), False)


@pytest.mark.parametrize(
    ("kind", "name", "body", "pointer"),
    [
        ("group", "g", {"name": "G", "site": "paris", "members": ["nobody"]}, "/members"),
        ("group", "g", {"name": "G", "site": "nowhere"}, "/site"),
        ("number", "+33140000009", {"trunk": "nowhere", "target": {"agent": "marie"}}, "/trunk"),
        ("number", "+33140000009", {"trunk": "paris-1", "target": {"agent": "nobody"}}, "/target"),
        ("number", "+33140000009", {"trunk": "paris-1", "target": {}}, "/target"),
        ("number", "+33140000009", {"trunk": "paris-1", "target": {"agent": "a", "group": "b"}}, "/target"),
        ("number", "0140000009", {"trunk": "paris-1", "target": {"agent": "marie"}}, None),
        ("disposition", "no way", {"label_fr": "A", "label_en": "A"}, None),
        ("disposition", "no", {"label_fr": "", "label_en": "A"}, "/label_fr"),
    ],
)
def test_the_wrong_field_of_the_other_kinds(
    kind: Kind, name: str, body: dict[str, FieldValue], pointer: str | None
) -> None:
    with pytest.raises(InvalidValue) as wrong:
        with_entry(kind, name, body, FULL)
    assert wrong.value.pointer == pointer


def test_a_number_and_what_it_leads_to() -> None:
    body: dict[str, FieldValue] = {"trunk": "paris-1", "target": {"agent": "marie"}, "valid_until": "2026-12-31"}
    found = with_entry("number", "+33140000009", body, FULL).numbers[E164("+33140000009")]
    assert (found.target, found.valid_until, found.active) == (ToAgent(MARIE.id), date(2026, 12, 31), True)


def test_a_site_does_not_give_up_a_groups_extension() -> None:
    with pytest.raises(InvalidValue, match="group sales: extension: 2090 is not one of site paris's"):
        with_entry("site", "paris", {"name": "Paris", "extensions": "2000-2089"}, FULL)


@pytest.mark.parametrize(("kind", "body"), BODIES.items())
def test_the_api_knows_the_fields_of_a_file_and_no_others(kind: Kind, body: Any) -> None:
    assert set(body.__struct_fields__) - {"id"} == set(FIELDS[kind])


def test_an_account_trunk_is_told_without_a_host_and_taken_back_so() -> None:
    told: dict[str, FieldValue] = {"site": "paris", "kind": "account", "host": "", "secret": "the-yeastar-s-own"}
    assert with_entry("trunk", "home", told, BOTH).trunks[Slug("home")].host == ""
    with pytest.raises(InvalidValue, match="an IP address or a name is needed"):
        with_entry("trunk", "home", told | {"kind": "peer"}, BOTH)
