"""The ladder picture: complete, legible, the same every time, and silent about business values."""

import re
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple
from xml.etree import ElementTree

import msgspec
import pytest

from engine.calls import svg
from engine.calls.ladder import LONGEST, draw
from engine.calls.ladder_led import spoken
from engine.calls.timeline import timeline
from engine.domain.effects import Utter
from engine.domain.events import ChannelRefused, JoinFailed, PlaybackEnded, TrunkChosen
from engine.domain.scenario import talk
from engine.domain.values import ChannelId, PlaybackId
from engine.errors import InvalidValue
from engine.journal import StepRow
from tests.calls import journals
from tests.domain.calls import Scene, asked, asked_sip, trunks

Tale = Callable[[], Scene]
SVG = "{http://www.w3.org/2000/svg}"
EVERY_TALE = pytest.mark.parametrize("tale", journals.TALES.values(), ids=journals.TALES.keys())


class Words(NamedTuple):
    """A text of the picture and the box it may take, by the widest font."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Words") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def picture_of(scene: Scene) -> str:
    return draw(journals.rows(scene))


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 - our own text


def words(picture: str) -> list[Words]:
    found = []
    for element in parsed(picture).iter(f"{SVG}text"):
        text, size = element.text or "", float(element.attrib["font-size"])
        bold = "font-weight" in element.attrib
        mono = "font-family" in element.attrib
        wide = 0.602 * size * len(text) if mono else svg.text_width(text, size, bold=bold)
        shift = {"start": 0.0, "middle": wide / 2, "end": wide}[element.attrib["text-anchor"]]
        left, base = float(element.attrib["x"]) - shift, float(element.attrib["y"])
        found.append(Words(text, left, base - 0.74 * size, left + wide, base + 0.2 * size))
    return found


def texts(picture: str) -> list[str]:
    return [one.text for one in words(picture)]


def shapes(picture: str, **attributes: str) -> list[ElementTree.Element]:
    """Elements with all these attributes."""
    wanted = {key.replace("_", "-"): value for key, value in attributes.items()}
    return [e for e in parsed(picture).iter() if wanted.items() <= e.attrib.items()]


@EVERY_TALE
def test_no_label_covers_another_and_none_leaves_the_picture(tale: Tale) -> None:
    picture = picture_of(tale())
    root = parsed(picture)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    labels = words(picture)
    assert [(one.text, other.text) for one, other in combinations(labels, 2) if one.meets(other)] == []
    outside = [w for w in labels if w.left < 0 or w.top < 0 or w.right > width or w.bottom > height]
    assert outside == []


@EVERY_TALE
def test_the_same_journal_gives_the_same_text(tale: Tale) -> None:
    assert picture_of(tale()) == picture_of(tale())


@EVERY_TALE
def test_every_step_shows_its_time(tale: Tale) -> None:
    scene = tale()
    shown = set(texts(picture_of(scene)))
    assert {f"{event.at.utc:%H:%M:%S}.{event.at.utc.microsecond // 1000:03d}" for event in scene.events} <= shown


@EVERY_TALE
def test_needs_nothing_from_outside(tale: Tale) -> None:
    """The API serves it under a policy that allows no style, script, font or image."""
    picture = picture_of(tale())
    assert not re.search(r"<(style|script|image|use|a|foreignObject)\b| style=| href=|url\((?!#)|@import", picture)


def test_an_answered_call() -> None:
    picture = picture_of(journals.answered())
    told = texts(picture)
    assert told[told.index("answered") :][:2] == ["answered", "ended by customer · cause 16 normal call clearing"]
    for said in (
        "Agent's mobile",
        "Engine",
        "Customer",
        "by paris-1",
        "dial (INVITE), at most 50 s",
        "180 ringing",
        "183 early media",
        "200 answered",
        "key 1",
        "play press-one (fr)",
        "tone while waiting",
        "agent and customer talk",
        "talked for 63.2 s",
        "63.2 s later",
        "talking",
    ):
        assert said in told, said
    assert len(shapes(picture, width="10", fill="url(#ladder-ringing)")) == 2  # both rang
    assert len(shapes(picture, width="10", fill="#b794f4")) == 1  # the customer's line sent early media
    assert len(shapes(picture, width="6", fill="#2b9fd9")) == 2  # the agent heard two prompts


def test_a_failed_call_shows_cause_and_sip_code() -> None:
    told = texts(picture_of(journals.busy()))
    assert {"customer_busy", "gone: 17 user busy", "SIP 486", "play customer-busy (fr)"} <= set(told)


def test_each_trunk_tried_has_its_column() -> None:
    told = texts(picture_of(journals.failover()))
    heads = ["Customer · 1", "+33140000002", "by paris-1", "Customer · 2", "+33140000002", "by paris-2"]
    start = told.index("Customer · 1")
    assert heads == told[start : start + 6]
    assert "next trunk for the customer: paris-2" in told


def test_each_phone_has_its_column_in_order() -> None:
    told = texts(picture_of(journals.three_phones()))
    assert [text for text in told if text.startswith("phone-")] == ["phone-1", "phone-2", "phone-3"]
    assert "ordered to end (DELETE)" in told


def test_a_restart_goes_through_the_whole_picture_and_late_news_is_marked() -> None:
    picture = picture_of(journals.restart())
    assert texts(picture).count("engine restarted, call re-owned") == 2
    assert len(shapes(picture, stroke="#c0202b", stroke_dasharray="9 5")) == 2
    assert any(text.startswith("this colour: it happened earlier") for text in texts(picture))


def test_asterisk_lost() -> None:
    assert {"asterisk_lost", "Asterisk lost: every channel is gone"} <= set(texts(picture_of(journals.asterisk_lost())))


def test_fired_timers_are_shown_with_their_time() -> None:
    assert texts(picture_of(journals.voicemail())).count("timer confirm fired, 1.2 s") == 3


def test_a_living_call_is_drawn_to_where_it_is() -> None:
    scene = journals.Unhurried().after(0.4).agent_rings()
    told = texts(picture_of(scene))
    assert "living" in told
    assert "never tried" in told


def test_an_agent_without_a_phone_is_drawn() -> None:
    assert "never tried" in texts(picture_of(Scene(asked_sip(0)).finish_ordered()))


def test_rare_events_say_what_they_are() -> None:
    scene = journals.Unhurried().after(0.3).agent_rings().after(1).agent_answers()
    scene.tell(PlaybackEnded(at=scene.at, playback=next(iter(scene.call.playbacks)), heard=False))
    channel = scene.channel("agent")
    scene.tell(JoinFailed(at=scene.at, channel=channel, why="bridge <gone> & forgotten " * 9))
    scene.tell(ChannelRefused(at=scene.at, channel=channel, why="no such endpoint"))
    scene.tell(TrunkChosen(at=scene.at, role="customer", trunk=None))
    told = texts(picture_of(scene))
    for said in ("press-one was not heard", "could not join", "refused by Asterisk", "no free trunk for the customer"):
        assert said in told, said
    assert any(text.startswith("bridge <gone> & forgotten") and text.endswith("…") for text in told)


def test_a_key_pressed_a_thousand_times_leaves_a_picture_one_can_read() -> None:
    scene = journals.Unhurried().after(0.3).agent_rings().after(1).agent_answers()
    for _ in range(1000):
        scene.presses("5")
    scene.presses("1").finish_ordered()
    rows = journals.rows(scene)
    told = texts(draw(rows))
    assert f"{len(rows) - LONGEST} steps are left out here" in told
    assert "key 1" in told
    assert len(told) < 1500
    assert timeline(rows).count("key 5") == 1000


SECRET = "ZQX-private"


@EVERY_TALE
def test_business_values_never_appear(tale: Tale, monkeypatch: pytest.MonkeyPatch) -> None:
    private = msgspec.structs.replace(
        asked(),
        agent_name=SECRET,
        campaign=SECRET,
        contact=SECRET,
        variables={SECRET: SECRET},
        asked_by=SECRET,
        customer_dialled=SECRET,
    )
    monkeypatch.setattr("tests.domain.calls.MOBILE", private)
    scene = tale()
    if not scene.call.closed:
        scene.finish_ordered()
    scene.disposed(SECRET)
    assert SECRET in journals.rows(scene)[-1].state.decode()
    assert SECRET not in picture_of(scene)
    assert SECRET not in timeline(journals.rows(scene))


def test_whatever_a_name_holds_the_picture_stays_xml() -> None:
    hostile = "<script>&\"'\x00\x0b\ud7ff]]>"
    scene = Scene(asked(agent_number=hostile, node=hostile, agent_routes=trunks("+33600000001", hostile)))
    picture = picture_of(scene)
    assert "<script>" not in picture
    parsed(picture)


def changed(rows: list[StepRow], index: int, **parts: Any) -> list[StepRow]:
    return [msgspec.structs.replace(row, **parts) if i == index else row for i, row in enumerate(rows)]


@pytest.mark.parametrize("part", ["event", "effects", "state"])
@pytest.mark.parametrize("index", [0, 4, -1])
def test_a_step_that_cannot_be_read_spoils_nothing_else(part: str, index: int) -> None:
    rows = journals.rows(journals.answered())
    spoilt = changed(rows, index % len(rows), **{part: b'{"type":"Unheard"}'})
    told = texts(draw(spoilt))
    assert (f"step {index % len(rows) + 1} cannot be read" in told) == (part == "event")
    assert "200 answered" in told


def test_nothing_readable_at_all_is_still_a_picture() -> None:
    rows = [
        msgspec.structs.replace(row, event=b"x", effects=b"x", state=b"x") for row in journals.rows(journals.busy())
    ]
    told = texts(draw(rows))
    assert "unreadable" in told
    assert "step 1 cannot be read" in told


def test_without_steps_there_is_no_picture() -> None:
    with pytest.raises(InvalidValue):
        draw([])


@EVERY_TALE
def test_the_timeline_tells_the_same(tale: Tale) -> None:
    rows = journals.rows(tale())
    lines, picture = timeline(rows), draw(rows)
    led = "call for scenario main" in lines
    for said in ("at hours", "hours: ") if led else ("dial (INVITE), at most 30 s", "180 ringing"):
        assert said in lines
    sentences = [text for text in texts(picture) if text.startswith(("gone:", "play ", "timer ", "engine restarted"))]
    assert all(sentence in lines for sentence in sentences)
    assert all(len(line) < 140 for line in lines.splitlines())


def test_the_way_of_a_caller_in_a_scenario_is_told() -> None:
    """The nodes they came by, what they heard, and whom was looked for."""
    lines = timeline(journals.rows(journals.led_to_an_agent()))
    assert lines.index("at menu") < lines.index("menu: key 1") < lines.index("ring: after") < lines.index("end: ended")
    for said in ("say “Tapez un” (fr)", "stop “Tapez un”", "looks for: agents", "to be rung: m1", "answer: open"):
        assert said in lines
    left = timeline(journals.rows(journals.led_to_a_mailbox()))
    for said in ("record, at most 120 s", "recorded 10.6 s", "asks: voicemail", "message: left"):
        assert said in left
    restarted = timeline(journals.rows(journals.led_through_a_restart()))
    for said in ("engine restarted, call re-owned", "the scenario goes on", "to be rung: nobody", "ring: nobody"):
        assert said in restarted


def test_what_went_wrong_in_a_scenario_is_told() -> None:
    scene = journals.UnhurriedCaller().told("closed").speech_ends(heard=False).types("#").recorded(0, kept=False)
    lines = timeline(journals.rows(scene))
    for said in ("“Parlez” was not heard", "stop recording", "nothing was recorded"):
        assert said in lines
    nobody = journals.UnhurriedCaller().told("open").types("1").nobody_planned("no-trunk")
    assert "nobody to be rung: no-trunk" in timeline(journals.rows(nobody))


def test_what_is_said_is_shown_as_short_as_there_is_room_for() -> None:
    def shown(*items: talk.AnyHeard) -> str:
        return spoken(Utter(playback=PlaybackId("p"), channel=ChannelId("c"), items=items, language="fr"))

    assert shown(talk.Words("Bonjour"), talk.AsteriskSound("beep")) == "“Bonjour sound”"
    assert shown(talk.Words(60 * "x")) == f"“{39 * 'x'}…”"
