"""A conversation that may not last longer: the agent is told a little before, the customer is not."""

import pytest

from engine.domain.effects import Play
from tests.domain.calls import CAME, Scene, asked, asked_by_customer, phones
from tests.domain.legality import check_record
from tests.domain.told_stages import to_talk


def talking(**changes: object) -> Scene:
    return to_talk(Scene(asked(**{"max_talk_s": 600, "warn_s": 60, **changes})))


def warned(scene: Scene) -> list[Play]:
    return [order for order in scene.orders if isinstance(order, Play) and order.prompt == "ends-soon"]


def test_the_agent_alone_is_told_a_minute_before() -> None:
    scene = talking().after(539)
    assert warned(scene) == []
    (told,) = warned(scene.after(1))
    assert (told.channel, told.language, scene.stage) == (scene.channel("agent"), "fr", "Talking")
    row = check_record(scene.prompt_ends().after(60).call)
    assert (row.outcome, row.hangup_by, row.talk_s) == ("answered", "engine", 600.0)


def test_the_member_who_took_the_call_is_told_and_not_who_called() -> None:
    scene = Scene(asked_by_customer(mode="sip", agent_routes=phones(1), confirm=False, max_talk_s=600, warn_s=60))
    scene.agent_answers().after(540)
    assert [told.channel for told in warned(scene)] == [scene.channel("agent")]
    assert CAME not in [told.channel for told in warned(scene)]


@pytest.mark.parametrize("bounds", [{"warn_s": 0}, {"max_talk_s": 60}, {"max_talk_s": 30}])
def test_nothing_is_said_where_there_is_no_time_for_it(bounds: dict[str, int]) -> None:
    scene = talking(**bounds).after(600)
    assert (warned(scene), check_record(scene.call).outcome) == ([], "answered")


@pytest.mark.parametrize("heard", [True, False])
def test_the_conversation_goes_on_however_the_words_end(heard: bool) -> None:
    scene = talking().after(540).prompt_ends(heard=heard)
    assert (scene.stage, len(scene.rung)) == ("Talking", 2)
    assert check_record(scene.after(5).customer_hangs_up().call).talk_s == 545.0


def test_whoever_hangs_up_during_the_words() -> None:
    scene = talking().after(540).agent_hangs_up()
    assert (check_record(scene.call).hangup_by, scene.call.playbacks) == ("agent", {})


def test_after_a_restart_it_is_told_when_it_is_due_and_not_twice() -> None:
    scene = talking().after(100)
    scene.engine_restarts()
    assert len(warned(scene.after(440))) == 1
    scene.engine_restarts()
    assert len(warned(scene)) == 1
    assert scene.stage == "Talking"
