"""An agent with several phones: all ring at once, the first answer wins (architecture, decision 2)."""

import pytest

from engine.domain.effects import CreateChannel, HangUp
from engine.domain.events import ChannelRefused
from engine.domain.ids import channel_id
from tests.domain.calls import CALL, Scene, Tale, asked_sip
from tests.domain.legality import check_record

PHONE_1, PHONE_2, PHONE_3 = (channel_id(CALL, "agent", number) for number in (1, 2, 3))


def to_talk(scene: Scene) -> Scene:
    return scene.prompt_ends().customer_rings().customer_answers()


def test_all_phones_ring() -> None:
    assert [f"PJSIP/alice/sip:phone-{n}" for n in (1, 2, 3)] == Scene(asked_sip(3)).rung


@pytest.mark.parametrize("winner", [1, 2, 3])
def test_the_first_answer_wins_and_the_others_stop_ringing(winner: int) -> None:
    scene = Scene(asked_sip(3)).agent_rings(1).agent_rings(2).agent_rings(3).after(3).agent_answers(winner)
    assert {PHONE_1, PHONE_2, PHONE_3} - {channel_id(CALL, "agent", winner)} == set(scene.hung_up)
    row = check_record(to_talk(scene).after(5).agent_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.talk_s) == ("answered", "agent", 5.0)
    assert {"answered", "elsewhere"} == {leg.result for leg in row.legs}


def test_a_phone_that_declines_leaves_the_others_ringing() -> None:
    scene = Scene(asked_sip(3)).agent_rings(1).agent_declines(2)
    assert scene.stage == "ReachingAgent"
    assert to_talk(scene.agent_answers(3)).customer_hangs_up().record.outcome == "answered"


def test_two_answer_at_the_same_moment() -> None:
    """The second one's answer crosses our hang-up: it is hung up, and the call goes on with the first."""
    scene = Scene(asked_sip(2), stubborn={HangUp}).agent_rings(1).agent_rings(2).agent_answers(1).agent_answers(2)
    assert scene.hung_up == [PHONE_2]
    scene.stubborn.clear()
    scene.agent_ends(16, None, 2)
    assert to_talk(scene).customer_hangs_up().record.outcome == "answered"


DECLINES: list[tuple[str, Tale, tuple[str, int | None]]] = [
    ("all decline", lambda s: s.agent_declines(1).agent_declines(2).agent_declines(3), ("agent_declined", 603)),
    ("one declines", lambda s: s.agent_is_busy(1).agent_declines(2).agent_ends(19, 480, 3), ("agent_declined", 603)),
    ("one busy", lambda s: s.agent_ends(19, 480, 1).agent_is_busy(2).agent_ends(18, 408, 3), ("agent_busy", 486)),
    (
        "none reacts",
        lambda s: s.agent_ends(18, 408, 1).agent_ends(18, 408, 2).agent_ends(34, 503, 3),
        ("agent_unreachable", 503),
    ),
    ("nobody answers", lambda s: s.agent_rings(1).agent_rings(2).timer("ring-agent"), ("agent_no_answer", None)),
    (
        "one left ringing",
        lambda s: s.agent_declines(1).agent_declines(2).timer("ring-agent"),
        ("agent_no_answer", None),
    ),
]


@pytest.mark.parametrize(("tale", "ending"), [pytest.param(*row[1:], id=row[0]) for row in DECLINES])
def test_nobody_takes_it(tale: Tale, ending: tuple[str, int | None]) -> None:
    scene = tale(Scene(asked_sip(3)))
    assert ending == (scene.verdict.outcome, scene.verdict.sip_code)
    check_record(scene.call)


def test_a_phone_still_being_created_does_not_cost_the_agent_their_call() -> None:
    """The winner's answer overtakes the third phone's creation: only the late one is hung up, and again once there."""
    scene = Scene(asked_sip(3), stuck={PHONE_3}).agent_answers(1)
    assert scene.hung_up == [PHONE_2, PHONE_3]
    scene.ready(PHONE_3)
    assert scene.hung_up == [PHONE_2, PHONE_3, PHONE_3]
    scene.stuck.clear()
    scene.agent_ends(16, None, 3)
    assert to_talk(scene).customer_hangs_up().record.outcome == "answered"


def test_a_phone_that_comes_to_be_after_its_end_is_ended() -> None:
    """The answer to its hang-up was "no such channel", and then it was created."""
    scene = Scene(asked_sip(2), stuck={PHONE_2}).agent_answers(1).agent_ends(None, None, 2)
    assert scene.ready(PHONE_2).hung_up == [PHONE_2, PHONE_2]


def test_a_phone_that_is_never_ready_is_given_up_alone() -> None:
    scene = Scene(asked_sip(3), stuck={PHONE_3}).agent_declines(1)
    scene.stuck.clear()
    assert scene.after(5).stage == "ReachingAgent"
    assert scene.hung_up == [PHONE_3]
    assert scene.agent_ends(19, 480, 2).verdict.outcome == "agent_declined"


def test_none_can_be_created() -> None:
    scene = Scene(asked_sip(2), stubborn={CreateChannel})
    for phone in (PHONE_1, PHONE_2):
        scene.tell(ChannelRefused(at=scene.at, channel=phone, why="Allocation failed"))
    assert (scene.verdict.outcome, scene.verdict.hangup_by) == ("agent_unreachable", "network")
