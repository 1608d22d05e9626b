"""Dial strings: whatever goes in, what comes out names one destination."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.dialstring import (
    accounts,
    agent_at,
    sip_user,
    to_phone,
    to_trunk,
    trunk_endpoint,
    trunk_of_channel,
)
from engine.domain.directory import EMPTY, Agent, Trunk
from engine.domain.values import E164, Extension, Slug
from engine.errors import InvalidValue

TRUNK = Trunk(id=Slug("paris-1"), site=Slug("paris"), kind="peer", host="127.0.0.2")
AGENT = Agent(
    id=Slug("marie"),
    name="Marie",
    site=Slug("paris"),
    extension=Extension("2001"),
    secret="s" * 20,
    sip_user="marie-k7f3qz",
)
MOBILE = E164("+33612345678")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "PJSIP/+33612345678@trunk-paris-1"),
        ({"number_format": "digits"}, "PJSIP/33612345678@trunk-paris-1"),
        ({"number_format": "national"}, "PJSIP/0612345678@trunk-paris-1"),
        ({"number_format": "national", "dial_prefix": "9"}, "PJSIP/90612345678@trunk-paris-1"),
        ({"number_format": "national", "dial_prefix": "00", "dial_strip": 1}, "PJSIP/00612345678@trunk-paris-1"),
        ({"dial_strip": 2}, "PJSIP/612345678@trunk-paris-1"),
    ],
)
def test_each_trunk_gets_the_number_in_its_form(changes: dict[str, object], expected: str) -> None:
    assert expected == to_trunk(MOBILE, msgspec.structs.replace(TRUNK, **changes), "FR")


@pytest.mark.parametrize(
    "changes",
    [
        {"dial_prefix": "9&Local/"},
        {"dial_prefix": "9" * 9},
        {"dial_prefix": "٩"},
        {"id": "paris-1&PJSIP/x"},
        {"dial_strip": 11},
        {"dial_strip": -1},
    ],
)
def test_a_hostile_trunk_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(InvalidValue):
        to_trunk(MOBILE, msgspec.structs.replace(TRUNK, **changes), "FR")


@pytest.mark.parametrize(
    ("name", "trunk"),
    [
        ("PJSIP/trunk-paris-1-0000002a", "paris-1"),
        ("PJSIP/trunk-paris-0000002a", "paris"),
        ("PJSIP/marie-k7f3qz-0000002a", None),
        ("PJSIP/trunk-paris-1", None),
        ("Local/112@trunk-paris-1-0000002a;1", None),
    ],
)
def test_a_channel_tells_the_trunk_it_is_on(name: str, trunk: str | None) -> None:
    assert trunk_of_channel(name) == trunk


def test_a_number_that_was_never_parsed_is_refused() -> None:
    with pytest.raises(InvalidValue):
        to_trunk(E164("0612345678&Local/1@x"), TRUNK, "FR")


@pytest.mark.parametrize(
    "contact",
    [
        "sip:marie-k7f3qz@192.168.1.20:5060",
        "sip:marie-k7f3qz@192.168.1.20:5060;transport=TCP;ob",
        "sip:marie-0x55d7c@[2001:db8::20]:5060;transport=tls",
        "sips:8x~%40!*@phone.example.org;x-ast-orig-host=10.0.0.3:5060",
    ],
)
def test_the_contacts_of_real_phones_are_rung(contact: str) -> None:
    assert f"PJSIP/marie-k7f3qz/{contact}" == to_phone(AGENT.sip_user, contact)


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "marie@192.168.1.20",
        "sip:192.168.1.20",
        "sip:a@b&Local/1@default",
        "sip:a@b,30,g",
        "sip:a/b@c",
        "sip:a@b;x=${SHELL(id)}",
        'sip:"a"@b',
        "sip:a@b\n",
        "sip:é@b",
        "sip:a@" + "b" * 300,
    ],
)
def test_a_contact_that_could_mean_more_is_refused(contact: str) -> None:
    with pytest.raises(InvalidValue):
        to_phone(AGENT.sip_user, contact)


@pytest.mark.parametrize("user", ["", "ab", "trunk-paris", "Marie", "marie_k", "-marie", "marie-", "m" * 65, "marie\n"])
def test_a_sip_user_never_looks_like_anything_else(user: str) -> None:
    with pytest.raises(InvalidValue):
        sip_user(user)


def test_a_browser_has_an_account_of_its_own_beside_the_telephones() -> None:
    browsing = msgspec.structs.replace(AGENT, webrtc=True)
    contact = "sip:4f2k9@192.168.1.20:53412;transport=ws"
    assert (accounts(AGENT), accounts(browsing)) == (("marie-k7f3qz",), ("marie-k7f3qz", "marie-k7f3qz.web"))
    assert to_phone("marie-k7f3qz.web", contact) == f"PJSIP/marie-k7f3qz.web/{contact}"
    with pytest.raises(InvalidValue):
        to_phone("trunk-paris-1", contact)
    with pytest.raises(InvalidValue):
        sip_user("marie-k7f3qz.web")  # so it is never an account of another agent


def test_whose_account_it_is() -> None:
    plain = msgspec.structs.replace(EMPTY, agents={AGENT.id: AGENT})
    browsing = msgspec.structs.replace(EMPTY, agents={AGENT.id: msgspec.structs.replace(AGENT, webrtc=True)})
    asked = ("marie-k7f3qz", "marie-k7f3qz.web", "marie", "trunk-paris-1")
    assert [agent_at(name, plain) is not None for name in asked] == [True, False, False, False]
    assert [agent_at(name, browsing) is not None for name in asked] == [True, True, False, False]


def test_endpoints_are_named_after_what_they_are() -> None:
    assert trunk_endpoint(TRUNK.id) == "trunk-paris-1"


@given(st.text(max_size=25), st.text(max_size=9), st.sampled_from(["e164", "digits", "national"]), st.text(max_size=45))
def test_nothing_but_one_destination_ever_leaves(number: str, prefix: str, form: str, trunk_id: str) -> None:
    trunk = msgspec.structs.replace(TRUNK, id=trunk_id, dial_prefix=prefix, number_format=form)
    try:
        built = to_trunk(E164(number), trunk, "FR")
    except InvalidValue:
        return
    assert re.fullmatch(r"PJSIP/[+0-9]+@trunk-[a-z0-9-]+", built, re.ASCII)


@given(st.from_regex(r"\Asips?:.{1,80}\Z", fullmatch=True) | st.text(max_size=80))
def test_a_contact_never_adds_a_destination(contact: str) -> None:
    try:
        built = to_phone(AGENT.sip_user, contact)
    except InvalidValue:
        return
    assert built.count("/") == 2
    assert not re.search(r"[^+0-9A-Za-z@./:;=_~%!*\[\]-]", built)
