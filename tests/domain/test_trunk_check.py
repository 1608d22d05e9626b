"""What a trunk of a directory must have, by its kind, and what its numbers and digits may be."""

from typing import Any

import pytest

from engine.domain.directory import Directory, Site, Trunk
from engine.domain.directory_check import problems
from engine.domain.values import E164, Slug

PARIS = Site(id=Slug("paris"), name="Paris")
GENEVA = Site(id=Slug("geneva"), name="Geneva", country="CH")
MOBILE = (E164("+33612345678"),)
LONG = "a-secret-of-14"


@pytest.mark.parametrize(
    ("trunk", "faults"),
    [
        ({"kind": "peer", "host": "192.0.2.1"}, []),
        ({"kind": "peer"}, ["host"]),
        ({"kind": "register", "username": "u", "secret": "p"}, ["host"]),
        ({"kind": "register", "host": "a", "username": "u"}, ["username"]),
        ({"kind": "account", "secret": LONG}, []),
        ({"kind": "account", "secret": LONG, "username": "trunk-t"}, []),
        ({"kind": "account", "secret": LONG, "username": "2001"}, ["username"]),
        ({"kind": "account", "secret": "short"}, ["secret"]),
        ({"kind": "account"}, ["secret"]),
        ({"kind": "account", "secret": LONG, "dtmf": "inband"}, []),
        ({"kind": "account", "secret": LONG, "dtmf": "inband", "codecs": ("alaw", "g722")}, ["dtmf"]),
        ({"kind": "account", "secret": LONG, "dtmf": "info", "codecs": ("g722",)}, []),
        ({"kind": "account", "secret": LONG, "caller_ids": MOBILE}, ["caller_ids"]),
        ({"kind": "account", "secret": LONG, "caller_ids": MOBILE, "answers_early": True}, []),
        ({"kind": "account", "secret": LONG, "caller_ids": MOBILE, "site": GENEVA.id}, []),
        ({"kind": "account", "secret": LONG, "caller_ids": MOBILE, "site": Slug("nowhere")}, ["site"]),
    ],
)
def test_each_fault_names_its_field(trunk: dict[str, Any], faults: list[str]) -> None:
    made = Trunk(**({"id": Slug("t"), "site": PARIS.id} | trunk))
    directory = Directory(revision=1, sites={PARIS.id: PARIS, GENEVA.id: GENEVA}, trunks={made.id: made}, agents={})
    assert [problem.field for problem in problems(directory)] == faults


def test_two_accounts_need_no_addresses_of_their_own() -> None:
    trunks = [Trunk(id=Slug(name), site=PARIS.id, kind="account", secret=LONG) for name in ("a", "b")]
    assert problems(Directory(revision=1, sites={PARIS.id: PARIS}, trunks={t.id: t for t in trunks}, agents={})) == ()
