"""The small words of the domain: names of things in Asterisk, moments, causes, typed values."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.domain import causes, ids, values
from engine.domain.moment import Moment, seconds
from engine.errors import InvalidValue
from tests.domain.calls import CALL, NINE, Scene, moment

OTHER = values.CallId("01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e02")


# -- names -------------------------------------------------------------------------------------------------------------


def names(call: values.CallId) -> list[str]:
    return [
        ids.channel_id(call, "agent", 1),
        ids.channel_id(call, "agent", 12),
        ids.channel_id(call, "customer", 1),
        ids.bridge_id(call),
        ids.playback_id(call, 1),
    ]


def test_no_name_is_the_beginning_of_another() -> None:
    """Asterisk refuses a channel whose id is a prefix of a living one's, or the other way round."""
    everything = names(CALL) + names(OTHER)
    assert len(set(everything)) == len(everything)
    assert {38} == {len(name) for name in everything}


@pytest.mark.parametrize("name", names(CALL))
def test_a_name_tells_its_call(name: str) -> None:
    assert ids.owner(name) == CALL


@pytest.mark.parametrize(
    "name",
    ["", "1700000000.17", "PJSIP/alice-00000001", "x" * 38, "z" * 32 + "-a0001", CALL.replace("-", "") + "_a0001"],
)
def test_names_of_others_are_nobodys(name: str) -> None:
    assert ids.owner(name) is None


def test_a_recording_tells_when_its_call_began() -> None:
    assert ids.recorded_at(ids.recording_id(CALL, 2)) == datetime(2024, 11, 12, 8, 12, 34, 714000, UTC)


@pytest.mark.parametrize("name", [ids.playback_id(CALL, 2), "monitor/of-somebody-else", "x" * 38])
def test_what_is_no_recording_of_ours_has_no_age(name: str) -> None:
    assert ids.recorded_at(name) is None


# -- moments -----------------------------------------------------------------------------------------------------------


def test_durations_are_monotonic() -> None:
    """A wall clock set back an hour during a call bends nothing."""
    start, end = moment(10), Moment(NINE - timedelta(hours=1), 12.3456)
    assert seconds(start, end) == 2.346
    assert seconds(end, start) == 0.0


@pytest.mark.parametrize(("start", "end"), [(None, moment(1)), (moment(1), None), (None, None)])
def test_no_duration_without_both_ends(start: Moment | None, end: Moment | None) -> None:
    assert seconds(start, end) is None


# -- causes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "text"),
    [(None, None), (17, "user busy"), (0, "unknown"), (99, "cause 99")],
)
def test_cause_in_words(cause: int | None, text: str | None) -> None:
    assert text == causes.text(cause)


@pytest.mark.parametrize(
    ("cause", "sip", "rang", "kind"),
    [
        (21, 403, False, "refused"),  # a PBX's refusal, not a person declining: the SIP code decides first
        (21, 603, False, "rejected"),
        (18, 408, False, "dead"),
        (18, 408, True, "no_answer"),
        (19, 480, True, "no_answer"),
        (19, 480, False, "unreachable"),
        (17, 499, False, "busy"),  # an unknown code: then the cause
        (111, None, False, "refused"),
        (111, None, True, "no_answer"),
        (None, None, True, "indeterminate"),
    ],
)
def test_why_a_leg_was_not_answered(cause: int | None, sip: int | None, rang: bool, kind: str) -> None:
    assert kind == causes.failure(cause, sip, rang=rang)


# -- typed values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["+33612345678", "+123456", "+123456789012345"])
def test_e164(text: str) -> None:
    assert text == values.e164(text)


@pytest.mark.parametrize(
    "text", ["", "33612345678", "+0612345678", "+12345", "+1234567890123456", "+3361234567a", "+٣٣٦١٢٣٤٥"]
)
def test_not_e164(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"not an E\.164 number"):
        values.e164(text)


@pytest.mark.parametrize("text", ["a", "paris-1", "7", "a" * 40])
def test_slug(text: str) -> None:
    assert text == values.slug(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "Paris", "a b", "a" * 41, "é", "a\n", "../a", "a;b"])
def test_not_a_slug(text: str) -> None:
    with pytest.raises(InvalidValue, match="not an identifier"):
        values.slug(text)


@pytest.mark.parametrize("text", ["10", "2001", "999999"])
def test_extension(text: str) -> None:
    assert text == values.extension(text)


@pytest.mark.parametrize("text", ["", "1", "0123", "1234567", "20a", "२००१"])
def test_not_an_extension(text: str) -> None:
    with pytest.raises(InvalidValue, match="not an extension"):
        values.extension(text)


# -- a call's life -----------------------------------------------------------------------------------------------------


def test_no_channel_outlives_the_longest_call() -> None:
    """Asterisk itself ends what nobody ends: after both ring limits, the longest talk, and two minutes."""
    assert Scene().call.request.life_s == 25 + 45 + 3600 + 120


def test_a_stage_without_an_agent_must_not_ask_for_one() -> None:
    with pytest.raises(ValueError, match="unpack"):
        assert Scene().call.agent_up
