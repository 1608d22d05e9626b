"""Emergency numbers as dialplan: exactly these extensions, in front of everything, and read back from Asterisk."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import values as v
from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.dialplan import assign, gosub
from engine.config.directory_file import with_entry
from engine.config.ini import Section, parse
from engine.config.pjsip import pjsip_groups
from engine.config.readback import mismatches
from engine.config.render import EMERGENCY, STATIC_DIALPLAN, base_files, directory_files, generation
from engine.domain.directory import EMPTY, Directory, Site, Trunk
from engine.domain.values import E164, Slug
from engine.errors import InvalidValue
from tests.config.directories import ANY_TEXT, BOTH, GSM, LYON, MARIE, PARIS, PEER
from tests.config.fake_asterisk import FakeAsterisk

PATHS = AsteriskPaths.under(Path("/srv/x"), modules=Path("/modules"), data=Path("/data"))
SETTINGS = AsteriskSettings(paths=PATHS, ari_port=8088, ari_secret="a-generated-secret")
FEW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OWNED = msgspec.structs.replace(PEER, caller_ids=(E164("+33140000001"), E164("+33140000002")))
HOUSE = msgspec.structs.replace(BOTH, trunks={OWNED.id: OWNED, GSM.id: GSM})


def contexts(directory: Directory) -> dict[str, list[tuple[str, str]]]:
    """The generated file as Asterisk would read it."""
    text = directory_files(directory, SETTINGS)[EMERGENCY]
    return {s.name: [(o.key, o.value) for o in s.options] for s in parse(text).sections}


def with_site(site: Site) -> Directory:
    return msgspec.structs.replace(HOUSE, sites={**HOUSE.sites, site.id: site})


def with_trunk(trunk: Trunk) -> Directory:
    return msgspec.structs.replace(HOUSE, trunks={trunk.id: trunk})


def test_a_telephone_begins_where_emergency_numbers_go_before_anything_else() -> None:
    found = contexts(HOUSE)
    includes = [("include", "standardiste-emergency-paris"), ("include", "from-agents")]
    assert found["from-agents-paris"] == includes
    (endpoint,) = [
        s
        for g in pjsip_groups(HOUSE)
        for s in g.sections
        if s.name == MARIE.sip_user and s.options[0].value == "endpoint"
    ]
    assert ("context", "from-agents-paris") in [(o.key, o.value) for o in endpoint.options]


def test_each_number_is_an_extension_of_its_own() -> None:
    steps = contexts(with_site(msgspec.structs.replace(PARIS, outside_prefix="0")))["standardiste-emergency-paris"]
    dialled = {value.split(",")[0] for _, value in steps}
    french = {"15", "17", "18", "112", "114", "115", "119", "191", "196", "197"}
    assert dialled == french | {f"0{number}" for number in french}
    assert [value for _, value in steps if value.startswith("0112,")] == [
        "0112,1,Set(EMERGENCY=112)",
        "0112,2,Goto(standardiste-way-out-paris,s,1)",
    ]


def test_the_ways_out_in_order_then_again_by_address() -> None:
    tries = [value.split(",", 2)[2] for _, value in contexts(HOUSE)["standardiste-way-out-paris"]]
    assert tries == [
        "Gosub(standardiste-emergency,by-trunk,1(trunk-paris-1,+33140000001))",
        "Gosub(standardiste-emergency,by-trunk,1(trunk-gsm,))",
        "Gosub(standardiste-emergency,by-address,1(trunk-paris-1,+33140000001,127.0.0.2:5060))",
        "Gosub(standardiste-emergency,by-address,1(trunk-gsm,,127.0.0.4:5060;transport=tcp))",
        "Goto(standardiste-refusal,nobody,1)",
    ]


def test_an_account_whose_address_is_asterisks_to_know_is_tried_again_by_name() -> None:
    account = msgspec.structs.replace(OWNED, kind="account", host="", secret="the-yeastar-s-own-secret")
    tries = [value.split(",", 2)[2] for _, value in contexts(with_trunk(account))["standardiste-way-out-paris"]]
    assert tries == [
        "Gosub(standardiste-emergency,by-trunk,1(trunk-paris-1,+33140000001))",
        "Gosub(standardiste-emergency,again,1(trunk-paris-1,+33140000001))",
        "Goto(standardiste-refusal,nobody,1)",
    ]


def test_neither_prefix_nor_form_of_a_trunk_touches_the_number() -> None:
    mangling = msgspec.structs.replace(OWNED, dial_prefix="0", number_format="national")
    assert contexts(with_trunk(mangling)) == contexts(with_trunk(OWNED))


def test_without_a_site_there_is_nothing() -> None:
    assert contexts(EMPTY) == {}
    assert parse(base_files(SETTINGS)["extensions.conf"]).includes[-1] == STATIC_DIALPLAN
    assert EMERGENCY in directory_files(EMPTY, SETTINGS)[STATIC_DIALPLAN]


def test_the_stamp_of_the_dialplan_follows_the_emergency_numbers() -> None:
    more = with_site(msgspec.structs.replace(LYON, emergency_numbers=("5555",)))
    assert generation(directory_files(more, SETTINGS)) != generation(directory_files(HOUSE, SETTINGS))


def shape(directory: Directory) -> list[tuple[str, int]]:
    return [(name, len(options)) for name, options in contexts(directory).items()]


@FEW
@given(st.sampled_from(["id", "emergency_numbers", "outside_prefix", "country"]), ANY_TEXT)
def test_no_site_writes_a_line_of_its_own_into_the_dialplan(field: str, text: str) -> None:
    site = msgspec.structs.replace(LYON, **{field: (text,) if field == "emergency_numbers" else text})
    try:
        found = contexts(msgspec.structs.replace(HOUSE, sites={PARIS.id: PARIS, LYON.id: site}, agents={}))
    except InvalidValue:
        return
    assert len(found) == 6
    for name, options in found.items():
        for key, value in options:
            assert key == ("include" if name.startswith("from-agents-") else "exten")
            assert key == "include" or value.split(",")[0].removeprefix("s").isascii()


@FEW
@given(st.sampled_from(["id", "host", "transport", "caller_ids"]), ANY_TEXT)
def test_no_trunk_changes_the_shape_of_the_dialplan(field: str, text: str) -> None:
    trunk = msgspec.structs.replace(GSM, **{field: (text,) if field == "caller_ids" else text})
    try:
        found = shape(with_trunk(trunk))
    except InvalidValue:
        return
    assert found == shape(with_trunk(GSM))


@pytest.mark.parametrize("hostile", ["a,b", "a)b", "${SHELL(id)}", "a&b", 'a"b', "a\\b", "a b", "a\nb"])
def test_what_the_dialplan_gives_a_meaning_to_is_no_argument(hostile: str) -> None:
    value = v.ConfigValue(hostile)
    with pytest.raises(InvalidValue):
        gosub(v.word("c"), v.word("e"), value)
    with pytest.raises(InvalidValue):
        assign(v.word("V"), value)
    with pytest.raises(InvalidValue):
        gosub(v.word("c"), v.word("e"), "plain")  # type: ignore[arg-type]


async def test_a_step_that_asterisk_left_out_is_found(tmp_path: Path) -> None:
    paths = AsteriskPaths.under(tmp_path, modules=Path("/modules"), data=Path("/data"))
    known = msgspec.structs.replace(SETTINGS, paths=paths)
    files = base_files(known) | directory_files(HOUSE, known)
    for name, text in files.items():
        (tmp_path / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "etc" / name).write_text(text)
    asterisk = FakeAsterisk(tmp_path / "etc")
    asterisk.start()
    assert await mismatches(asterisk, files) == []

    def without_115(section: Section) -> Section:
        kept = tuple(o for o in section.options if not o.value.startswith("115,2"))
        return msgspec.structs.replace(section, options=kept)

    asterisk.takes = without_115
    asterisk.start()
    told = [str(mismatch) for mismatch in await mismatches(asterisk, files)]
    assert told == [f"dialplan standardiste-emergency-{site},115,2: not there" for site in ("lyon", "paris")]
    assert await mismatches(asterisk, files, files) == []  # unchanged: asked for when it changes, and by `verify`


def test_a_site_that_is_called_like_another_context_is_another_context() -> None:
    odd = msgspec.structs.replace(LYON, id=Slug("paris-emergency"))
    assert (
        len(contexts(msgspec.structs.replace(HOUSE, sites={PARIS.id: PARIS, odd.id: odd}, trunks={}, agents={}))) == 6
    )


def test_an_extension_that_is_allotted_is_never_an_emergency_number() -> None:
    short = with_entry("site", "lyon", {"name": "Lyon", "extensions": "110-116", "country": "CH"}, BOTH)
    wanted = short
    for name in ("one", "two", "three", "four"):
        wanted = with_entry("agent", name, {"name": name, "site": "lyon"}, wanted)
    allotted = [wanted.agents[Slug(name)].extension for name in ("one", "two", "three", "four")]
    assert allotted == ["110", "111", "113", "116"]  # 112 everywhere, 114 and 115 in France, where Paris is
    with pytest.raises(InvalidValue, match="dialled for an emergency at site 'paris'"):
        with_entry("group", "all", {"name": "All", "site": "lyon", "extension": "115"}, short)
