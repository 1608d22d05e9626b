"""Published scenarios in a real PostgreSQL: one engine's, another's, over a restart, and while it is away."""

import asyncio
import io
import wave
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.app.prompt_book import PromptBook
from engine.app.scenario_deployment import deployed
from engine.app.scenario_library import ScenarioLibrary
from engine.app.scenario_shelf import ScenarioShelf
from engine.calls.clock import Clock
from engine.calls.contract import Actor
from engine.domain.directory import EMPTY, Directory
from engine.domain.scenario.graph import File, NodeName, Play, Program
from engine.domain.values import Slug
from engine.errors import DatabaseAway, FaultyScenario, InvalidValue, Refused, UnknownThing
from engine.scenario_settings import TableSettings
from engine.scenarios.bundles import Bundle, Deployment
from engine.scenarios.coverage import Edge
from engine.scenarios.simulator import Caller
from engine.scenarios.trying import Attempt
from engine.sounds.publishing import Unsaid
from engine.sounds.recorded import Recordings
from engine.store.pool import Database
from tests.app.test_contact_book import Audit
from tests.sounds.speaking import tone
from tests.sounds.test_uploads import encoded, spoken

OPS = Actor(token_id="t", name="ops", scopes=frozenset({"directory:write"}))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HELLO = Slug("hello")
SCENARIO = """\
scenario: hello
start: greet
on_error: bye
nodes:
  greet: {type: play, prompt: [{file: welcome}], next: bye}
  bye: {type: hangup}
"""
TEST = """\
conversations:
  - name: greeted
    at: 2026-05-04T10:00+02:00
    steps: [hear: "[welcome]"]
    path: [greet done, bye]
"""


def wav(hz: int, rate_hz: int = 16_000) -> bytes:
    """Half a second of a tone."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(tone(0.5, rate_hz=rate_hz, hz=hz, peak=8_000).tobytes())
    return held.getvalue()


def bundle(scenario: str = SCENARIO, *, test: str = TEST, sound: int = 400) -> Bundle:
    files = {"hello/scenario.yaml": scenario, "hello/hello.test.yaml": test, "unused/scenario.yaml": "x"}
    return Bundle(files, {"hello/prompts/fr/welcome.wav": wav(sound)})


SECOND = bundle(sound=900)


class Source:
    directory = EMPTY


class House:
    """Engines over one PostgreSQL."""

    def __init__(self, db: Database, home: Path) -> None:
        self.db, self.home, self.audit = db, home, Audit()
        self.spoken: list[str] = []
        self.left: Counter[Edge] = Counter()
        self.unsaid: list[Unsaid] = []

    def engine(self, name: str = "a", db: Database | None = None) -> ScenarioLibrary:
        known = db or self.db
        shelf = ScenarioShelf(
            known, folder=self.home / name / "scenarios", recorded=self.recordings(name), say=self.say
        )
        clock = Clock(kernel=lambda: 0.0, wall=lambda: NOON, boot="b")
        return ScenarioLibrary(shelf, known, self.audit, clock, Source(), deployed=where, left=self.left)

    async def say(self, program: Program) -> list[Unsaid]:
        self.spoken.append(program.version)
        return self.unsaid

    def recordings(self, name: str = "a") -> Recordings:
        return Recordings(self.home / name / "recorded")


def where(directory: Directory) -> Deployment:
    customers = TableSettings(table="crm.customers", key="number", columns={"name": "text", "vip": "flag"})
    return deployed(directory, (), None, NOON.date(), tables={"customers": customers})


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


def said(program: Program | None) -> Slug:
    """The recording that a program greets with."""
    assert program is not None
    greet = next(iter(program.start.nodes.values()))
    assert isinstance(greet, Play)
    (item,) = greet.prompt
    assert isinstance(item, File)
    return item.file


async def test_what_is_published_leads_the_next_caller_here_and_elsewhere(house: House) -> None:
    ours, other = house.engine("a"), house.engine("b")
    first = await ours.publish(HELLO, bundle(), "live", OPS)
    assert first.changed
    before = ours.shelf.published(HELLO)
    assert before is not None
    second = await ours.publish(HELLO, SECOND, "live", OPS)
    await other.shelf.look()
    for library in (ours, other):
        live, previous = library.shelf.published(HELLO), library.shelf.published(HELLO, "previous")
        assert live is not None
        assert previous is not None
        assert (live.version, previous.version) == (second.version, first.version)
        assert library.shelf.of_version(first.version) == before  # for the call that began with it
    assert house.audit.told() == [
        ("scenarios: publish hello", f"live is {first.version}", None),
        ("scenarios: publish hello", f"live is {second.version}", None),
    ]


async def test_callers_of_two_versions_hear_each_their_own_recording(house: House) -> None:
    library = house.engine("a")
    await library.publish(HELLO, bundle(), "live", OPS)
    await library.publish(HELLO, SECOND, "live", OPS)
    names = [said(library.shelf.published(HELLO, alias)) for alias in ("live", "previous")]
    other = house.engine("b")
    await other.shelf.look()
    for node in ("a", "b"):
        found = [house.recordings(node)(name, "fr") for name in names]
        assert None not in found
        assert len({file.read_bytes() for file in found if file}) == 2
        assert house.recordings(node)(names[0], "en") is None
        with wave.open(str(found[0]), "rb") as file:
            assert file.getframerate() == 8_000
        assert found[0] is not None
        assert found[0].with_suffix(".wav16").exists()


async def test_the_same_twice_changes_nothing(house: House) -> None:
    library = house.engine()
    first = await library.publish(HELLO, bundle(), "live", OPS)
    again = await library.publish(HELLO, bundle(SCENARIO + "title: {fr: Bonjour}\n"), "live", OPS)
    assert again.version != first.version
    assert not (await library.publish(HELLO, bundle(SCENARIO + "title: {fr: Bonjour}\n"), "live", OPS)).changed
    assert len(house.audit.rows) == 2


async def test_test_callers_meet_another_version(house: House) -> None:
    library = house.engine()
    live = await library.publish(HELLO, bundle(), "live", OPS)
    tried = await library.publish(HELLO, SECOND, "test", OPS)
    (entry,) = library.entries()
    assert entry.live is not None
    assert entry.test is not None
    assert (entry.live.version, entry.previous, entry.test.version) == (live.version, None, tried.version)


async def test_back_and_forth(house: House) -> None:
    library = house.engine()
    with pytest.raises(Refused) as refused:
        await library.rollback(HELLO, OPS)
    assert refused.value.rule == "no-previous-version"
    first = await library.publish(HELLO, bundle(), "live", OPS)
    second = await library.publish(HELLO, SECOND, "live", OPS)
    for version in (first.version, second.version):
        entry = await library.rollback(HELLO, OPS)
        assert entry.live is not None
        assert entry.live.version == version
    assert [(move.alias, move.version) for move in await library.history(HELLO)][:2] == [
        ("live", second.version),
        ("previous", first.version),
    ]
    assert house.audit.told()[-1] == ("scenarios: roll back hello", f"live is {second.version}", None)


FAULTY = {
    "a fault in the file": (bundle(SCENARIO.replace("next: bye", "next: by")), "hello/scenario.yaml:5:"),
    "no file": (Bundle({"other/scenario.yaml": SCENARIO}), "hello/scenario.yaml:1:1: S101"),
    "no conversation": (bundle(test=""), "hello/hello.test.yaml"),
    "a recording that is none": (
        Bundle(bundle().files, {"hello/prompts/fr/welcome.wav": b"RIFF"}),
        "hello/prompts/fr/welcome.wav: not a recording",
    ),
    "another way": (
        bundle(test=TEST.replace("greet done, bye", "bye")),
        "hello/hello.test.yaml:2: greeted: path: node 1 is not `bye`",
    ),
}


@pytest.mark.parametrize(("files", "told"), FAULTY.values(), ids=FAULTY.keys())
async def test_what_no_caller_may_meet(house: House, files: Bundle, told: str) -> None:
    library = house.engine()
    kept = await library.publish(HELLO, bundle(), "live", OPS)
    with pytest.raises(FaultyScenario) as faulty:
        await library.publish(HELLO, files, "live", OPS)
    assert told in faulty.value.faults[0].detail
    assert str(house.home) not in faulty.value.message
    live = library.shelf.published(HELLO)
    assert live is not None
    assert live.version == kept.version
    assert house.audit.rows[-1].rule == "scenario-faulty"


async def test_what_cannot_be_heard_is_not_published(house: House) -> None:
    library = house.engine()
    with pytest.raises(FaultyScenario) as silent:
        await library.publish(HELLO, bundle(sound=0), "live", OPS)
    assert silent.value.faults[0].detail == "fr/welcome.wav: nothing is heard in it"
    house.unsaid = [Unsaid("fr", "Bonjour", "the speech engine is broken")]
    with pytest.raises(FaultyScenario) as unsaid:
        await library.publish(HELLO, bundle(), "live", OPS)
    assert unsaid.value.faults[0].detail == "fr: 'Bonjour' is not said: the speech engine is broken"
    assert library.entries() == []


async def test_words_are_spoken_on_every_node(house: House) -> None:
    made = await house.engine("a").publish(HELLO, bundle(), "live", OPS)
    await house.engine("b").shelf.look()
    assert house.spoken == [made.version, made.version]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "hello/scenario.yaml/../x", "hello/x.yaml", "A/scenario.yaml"])
async def test_a_path_that_leads_elsewhere(house: House, path: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        await house.engine().check(HELLO, Bundle({path: ""}))
    assert (refused.value.pointer or "").startswith("/files/")
    with pytest.raises(InvalidValue):
        await house.engine().check(HELLO, Bundle({}, {path: b""}))


async def test_without_postgresql_callers_are_led_and_nothing_is_changed(house: House) -> None:
    first = await house.engine().publish(HELLO, bundle(), "live", OPS)
    second = await house.engine().publish(HELLO, SECOND, "live", OPS)
    async with Database("postgresql://nobody@127.0.0.1:1/none") as away:
        library = house.engine(db=away)
        await library.shelf.load_local()
        await library.shelf.look()
        live = library.shelf.published(HELLO)
        assert live is not None
        assert live.version == second.version
        began = library.shelf.of_version(first.version)
        assert began is not None
        assert began.version == first.version
        with pytest.raises(DatabaseAway):
            await library.publish(HELLO, bundle(), "live", OPS)


async def test_what_is_lost_on_this_node_is_fetched_again(house: House) -> None:
    made = await house.engine().publish(HELLO, bundle(), "live", OPS)
    for file in (house.home / "a").rglob("*.*"):
        if file.name != "aliases.json":
            file.unlink()
    library = house.engine()
    await library.shelf.load_local()
    assert library.shelf.published(HELLO) is None
    await library.shelf.look()
    program = library.shelf.published(HELLO)
    assert program is not None
    assert program.version == made.version
    assert house.recordings()(said(program), "fr") is not None


async def test_a_copy_that_cannot_be_read_is_done_without(house: House) -> None:
    made = await house.engine().publish(HELLO, bundle(), "live", OPS)
    folder = house.home / "a" / "scenarios"
    (folder / f"{made.version}.json").write_text("{")
    library = house.engine()
    assert library.shelf.of_version(made.version) is None
    assert library.shelf.of_version("../aliases") is None
    (folder / "aliases.json").write_text("{")
    await library.shelf.load_local()
    assert library.entries() == []


async def test_two_at_once_take_turns(house: House) -> None:
    ours, other = house.engine("a"), house.engine("b")
    await asyncio.gather(ours.publish(HELLO, bundle(), "live", OPS), other.publish(HELLO, SECOND, "live", OPS))
    await ours.shelf.look()
    await other.shelf.look()
    assert ours.entries() == other.entries()
    (entry,) = ours.entries()
    assert entry.live is not None
    assert entry.previous is not None
    assert entry.live.version != entry.previous.version


async def test_a_scenario_is_tried_before_and_after(house: House) -> None:
    library, wish = house.engine(), Attempt(caller=Caller(at=NOON))
    with pytest.raises(UnknownThing):
        await library.attempt(HELLO, "live", wish)
    with pytest.raises(FaultyScenario):
        await library.attempt(HELLO, Bundle({"hello/scenario.yaml": "x"}), wish)
    before = await library.attempt(HELLO, bundle(), wish)
    assert (before.asked, before.way) == (None, "greet (done) > bye (ended)")
    await library.publish(HELLO, bundle(), "live", OPS)
    assert (await library.attempt(HELLO, "live", wish)).way == before.way


LOOKS = """\
scenario: hello
start: who
on_error: bye
vars: {name: {type: text, default: ""}, vip: {type: flag, default: no}}
nodes:
  who: {type: lookup, table: TABLE, key: caller, into: {COLUMNS}, on: {found: bye, many: bye, none: bye, error: bye}}
  bye: {type: hangup}
"""


@pytest.mark.parametrize(
    ("table", "columns", "codes"),
    [
        ("contacts", "name: shoe_size", []),
        ("customers", "name: name, vip: vip", []),
        ("customers", "name: nmae", ["S306"]),
        ("customers", "vip: name", ["S505"]),
        ("custommers", "name: name", ["S305"]),
    ],
)
async def test_the_tables_of_the_settings_are_known(house: House, table: str, columns: str, codes: list[str]) -> None:
    files = {"hello/scenario.yaml": LOOKS.replace("TABLE", table).replace("COLUMNS", columns)}
    judged = await house.engine().check(HELLO, Bundle(files))
    assert [one.code for one in judged.findings if one.code in {"S305", "S306", "S505"}] == codes
    assert not [one for one in judged.findings if one.code == "S390" and "table" in one.message]


async def test_a_published_scenario_is_drawn_with_its_own_names(house: House) -> None:
    library = house.engine()
    with pytest.raises(UnknownThing):
        await library.picture(HELLO, "live", heat=False)
    with pytest.raises(UnknownThing):
        await library.history(HELLO)
    made = await library.publish(HELLO, bundle(), "live", OPS)
    picture = await library.picture(HELLO, "live", heat=False)
    assert (picture.version, "welcome" in picture.mermaid, "welcome" in picture.dot) == (made.version, True, True)


async def test_it_is_drawn_with_the_ways_callers_went(house: House) -> None:
    library = house.engine()
    await library.publish(HELLO, bundle(), "live", OPS)
    cold = await library.picture(HELLO, "live", heat=True)
    house.left[Edge(HELLO, NodeName("greet"), "done")] += 7
    house.left[Edge(HELLO, NodeName("gone"), "done")] += 9  # a node of another version
    warm = await library.picture(HELLO, "live", heat=True)
    assert warm.mermaid != cold.mermaid
    assert "7" in warm.dot
    assert "9" not in {word.strip('",;') for word in warm.dot.split()}


async def test_the_house_s_recording_is_said_where_the_scenario_has_none(house: House) -> None:
    library, prompts = house.engine(), PromptBook(house.db, house.audit)
    bare = Bundle(bundle().files)
    with pytest.raises(FaultyScenario, match="welcome is missing in fr"):
        await library.publish(HELLO, bare, "live", OPS)
    await prompts.put("welcome", "fr", encoded(spoken(16_000), "FLAC", "PCM_16", 16_000), None, OPS)
    first = await library.publish(HELLO, bare, "live", OPS)
    heard = house.recordings()(said(library.shelf.published(HELLO)), "fr")
    assert heard is not None
    assert heard.with_suffix(".wav16").exists()
    await prompts.remove("welcome", "fr", OPS)
    assert heard.exists()  # a version took it along
    own = await library.publish(HELLO, bundle(), "live", OPS)
    await prompts.put("welcome", "fr", encoded(spoken(8_000), "FLAC", "PCM_16", 8_000), None, OPS)
    again = await library.publish(HELLO, bundle(), "live", OPS)
    assert (own.version != first.version, again.version) == (True, own.version)
