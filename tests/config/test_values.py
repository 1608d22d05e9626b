"""What may stand in Asterisk's files, and how it is written and read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import values as v
from engine.config.ini import Option, Parsed, Section, parse
from engine.config.values import ConfigValue
from engine.errors import BadFile, InvalidValue

GOOD = [
    (v.word("from-agents"), "from-agents"),
    (v.words("alaw", "ulaw"), "alaw,ulaw"),
    (v.number(0), "0"),
    (v.yes_no(True), "yes"),
    (v.secret("p;w=[x]#"), "p;w=[x]#"),
    (v.host("192.0.2.1"), "192.0.2.1"),
    (v.host("2001:db8::1"), "2001:db8::1"),
    (v.host("sip.example.org"), "sip.example.org"),
    (v.network("10.0.0.0/8"), "10.0.0.0/8"),
    (v.bind("127.0.0.1", 5060), "127.0.0.1:5060"),
    (v.bind("::1", 5060), "[::1]:5060"),
    (v.sip_uri("h", 5060), "sip:h:5060"),
    (v.sip_uri("2001:db8::1", 5061, user="u", transport="tls"), "sip:u@[2001:db8::1]:5061;transport=tls"),
    (v.caller_id('Zoé "d\'Or"; [x]\n<1>', "2001"), '"Zoé d\'Or x1" <2001>'),
    (v.caller_id("\n;", "20"), '"" <20>'),
    (v.path(Path("/a b/c")), "/a b/c"),
    (v.assignment("A", "1"), "A=1"),
]


@pytest.mark.parametrize(("value", "text"), GOOD)
def test_good_values(value: ConfigValue, text: str) -> None:
    assert value == text
    assert isinstance(value, ConfigValue)


@pytest.mark.parametrize(
    "make",
    [
        lambda: v.word(""),
        lambda: v.word("a b"),
        lambda: v.word("a\n"),
        lambda: v.word("é"),
        lambda: v.word("-a"),
        lambda: v.number(-1),
        lambda: v.secret(""),
        lambda: v.secret("a b"),
        lambda: v.secret("é"),
        lambda: v.secret("a\n"),
        lambda: v.secret("a" * 129),
        lambda: v.host(""),
        lambda: v.host("a b"),
        lambda: v.host("10.0.0.300"),
        lambda: v.host("fe80::1%eth0"),
        lambda: v.host("a..b"),
        lambda: v.host("-a"),
        lambda: v.host("a;b"),
        lambda: v.network("10.0.0.1/8"),
        lambda: v.bind("localhost", 5060),
        lambda: v.bind("127.0.0.1", 0),
        lambda: v.sip_uri("h", 65536),
        lambda: v.sip_uri("h", 5060, user="a@b"),
        lambda: v.caller_id("x", "٢٠"),
        lambda: v.path(Path("relative")),
        lambda: v.path(Path("/a;b")),
        lambda: v.path(Path("/a\nb")),
        lambda: v.path(Path("/a ")),
        lambda: v.path(Path("/" + "a" * 2000)),
    ],
)
def test_bad_values_are_refused(make: object) -> None:
    with pytest.raises(InvalidValue):
        make()  # type: ignore[operator]


@given(st.from_regex(r"[!-~]{1,128}", fullmatch=True))
def test_every_secret_is_read_back_as_it_was_written(secret: str) -> None:
    value = v.secret(secret)
    text = f"[a]\npassword = {v.escaped(value)}\nnext = 1\n"
    assert parse(text).sections == (Section("a", (Option("password", secret), Option("next", "1"))),)


def test_the_grammar_of_asterisk() -> None:
    text = """
; a comment
[general](+) ; behind a section
a = 1 ; behind a value
b=>2
c = \\;not a comment
d = 1;-- a block
[not] = here --;
#include "standardiste/pjsip.conf"
#tryinclude more.conf
[empty]
e = f=g
"""
    assert parse(text) == Parsed(
        (
            Section(
                "general", (Option("a", "1"), Option("b", "2"), Option("c", ";not a comment"), Option("d", "1")), "+"
            ),
            Section("empty", (Option("e", "f=g"),)),
        ),
        ("standardiste/pjsip.conf", "more.conf"),
    )


def test_a_block_may_end_on_its_own_line_and_a_rule_is_no_block() -> None:
    assert parse("[a]\n;---- a rule\nb = 1 ;-- x --; 2\n").sections == (Section("a", (Option("b", "1  2"),)),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1", "file:1: a line before the first section"),
        ("[a]\nb", "file:2: neither a section nor key = value"),
        ("[a]\n= b", "file:2: neither a section"),
        ("[a", "file:1: not a section header"),
        ("[a]\n#exec /bin/sh", "file:2: a directive that is not ours"),
    ],
)
def test_what_is_not_ours_is_refused(text: str, place: str) -> None:
    with pytest.raises(BadFile, match=place):
        parse(text)
