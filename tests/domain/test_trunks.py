"""From trunk to trunk: which failures let the next one try, in which order, and what is said when none is left."""

import pytest

from engine.domain.call import trunks_held
from engine.domain.effects import ChooseTrunk, CreateChannel, DialChannel, HangUp, JoinBridge
from engine.domain.events import ChannelRefused, DialInDoubt, JoinFailed, TrunkChosen
from engine.domain.values import Slug
from tests.domain.calls import AGENT_MOBILE, CUSTOMER, Scene, Tale, asked, asked_sip, trunks
from tests.domain.told_stages import to_customer, to_notice, to_reason, to_ringing, to_talk

THREE = asked(customer_routes=trunks(CUSTOMER, "paris-1", "paris-2", "lyon-1"))


def by_trunk(scene: Scene) -> list[str]:
    """The trunks the customer was rung by, in order."""
    return [endpoint.partition("@")[2] for endpoint in scene.rung if CUSTOMER[1:] in endpoint]


@pytest.mark.parametrize(
    ("cause", "sip"), [(34, 503), (21, 403), (21, 401), (38, 500), (18, 408), (102, 504), (42, None), (58, 488)]
)
def test_a_trunk_that_will_not_carry_the_call_lets_the_next_one_try(cause: int, sip: int | None) -> None:
    scene = to_customer(Scene(THREE)).customer_ends(cause, sip)
    assert by_trunk(scene) == ["paris-1", "paris-2"]
    scene.customer_ends(cause, sip)
    assert by_trunk(scene) == ["paris-1", "paris-2", "lyon-1"]
    assert scene.customer_rings().customer_answers().customer_hangs_up().record.outcome == "answered"


@pytest.mark.parametrize(("cause", "sip"), [(17, 486), (21, 603), (1, 404), (20, 480), (19, None), (None, None)])
def test_what_the_party_itself_does_is_final(cause: int | None, sip: int | None) -> None:
    """Nobody who is busy is rung again by another way."""
    scene = to_customer(Scene(THREE)).customer_ends(cause, sip)
    assert by_trunk(scene) == ["paris-1"]
    assert scene.stage == "Explaining"


def test_full_trunks_are_passed_over() -> None:
    scene = to_customer(Scene(THREE, full={"paris-2"})).customer_ends(34, 503)
    assert by_trunk(scene) == ["paris-1", "lyon-1"]


def test_all_others_full() -> None:
    scene = to_customer(Scene(THREE, full={"paris-2", "lyon-1"})).customer_ends(34, 503).prompt_ends()
    assert by_trunk(scene) == ["paris-1"]
    assert (scene.verdict.outcome, scene.verdict.cause, scene.verdict.sip_code) == ("congestion", 34, 503)


def test_the_attempt_that_says_most_gives_the_outcome() -> None:
    """The last trunk was silent; that the first one was refused says more, that the party was busy says most."""
    refused = to_customer(Scene()).customer_ends(34, 503).customer_ends(18, 408).prompt_ends()
    assert (refused.verdict.outcome, refused.verdict.sip_code) == ("congestion", 503)
    busy = to_customer(Scene()).customer_ends(34, 503).customer_is_busy().prompt_ends()
    assert (busy.verdict.outcome, busy.verdict.sip_code) == ("customer_busy", 486)


def test_the_agents_mobile_goes_from_trunk_to_trunk_too() -> None:
    scene = Scene().agent_ends(34, 503)
    assert [f"PJSIP/{AGENT_MOBILE[1:]}@paris-1", f"PJSIP/{AGENT_MOBILE[1:]}@paris-2"] == scene.rung
    assert scene.agent_ends(34, 503).verdict.outcome == "congestion"
    assert Scene().agent_ends(34, 503).agent_answers().stage == "Confirming"


@pytest.mark.parametrize("sign", [Scene.customer_rings, Scene.customer_announces], ids=["rang", "spoke"])
def test_whoever_was_called_is_not_called_again_by_another_trunk(sign: Tale) -> None:
    scene = sign(to_customer(Scene())).customer_ends(34, 503)
    assert (by_trunk(scene), scene.stage) == (["paris-1"], "Explaining")


def test_comfort_goes_on_while_the_next_trunk_tries() -> None:
    assert to_customer(Scene()).customer_ends(34, 503).heard[-1:] == ["tone"]


def test_each_trunk_is_given_the_whole_ring_limit() -> None:
    scene = to_customer(Scene()).after(20).customer_ends(18, 408)
    assert scene.call.timers["ring-customer"] - scene.now == 45


def test_asterisk_will_not_create_the_channel() -> None:
    scene = Scene(stubborn={CreateChannel})
    scene.tell(ChannelRefused(at=scene.at, channel=scene.channel("agent"), why="Allocation failed"))
    assert [Slug("paris-1"), Slug("paris-2")] == [a.route.trunk for a in scene.call.agent.attempts]


def test_a_channel_that_is_never_ready() -> None:
    scene = Scene(stubborn={CreateChannel}).after(5)
    assert len(scene.call.agent.attempts) == 2
    assert (scene.after(5).verdict.outcome, scene.verdict.hangup_by) == ("trunk_down", "network")
    assert scene.rung == []


def test_a_customers_channel_that_is_never_ready() -> None:
    scene = to_notice(Scene())
    scene.stubborn.add(CreateChannel)
    scene.prompt_ends().after(5).after(5)
    assert (scene.stage, len(scene.call.customer.attempts), by_trunk(scene)) == ("Explaining", 2, [])
    assert scene.prompt_ends().verdict.outcome == "trunk_down"


def test_a_customers_channel_that_cannot_join_is_never_dialled() -> None:
    scene = to_notice(Scene())
    scene.stubborn.add(JoinBridge)
    scene.prompt_ends()
    before = scene.call
    assert before == scene.tell(JoinFailed(at=scene.at, channel=scene.channel("customer"), why="409")).call
    assert by_trunk(scene.after(11)) == []
    assert scene.prompt_ends().verdict.outcome == "trunk_down"


def test_nobody_is_dialled_before_both_are_in_the_bridge() -> None:
    """Else the agent would miss the first second of early media."""
    scene = to_notice(Scene())
    scene.stubborn.add(JoinBridge)
    joins = scene.prompt_ends().joins
    assert [scene.role(channel) for channel in joins] == ["agent", "customer"]
    assert by_trunk(scene.joined(joins[1])) == []
    assert by_trunk(scene.joined(joins[0])) == ["paris-1"]
    assert by_trunk(scene.joined(joins[0]).joined(joins[1])) == ["paris-1"]


def test_a_channel_that_is_ready_twice_is_joined_once() -> None:
    scene = to_notice(Scene())
    scene.stubborn.add(JoinBridge)
    joins = list(scene.prompt_ends().joins)
    assert scene.ready(scene.channel("customer")).joins == joins


def test_a_dial_in_doubt_is_hung_up_and_never_repeated() -> None:
    """A customer called twice is worse than once too few. The agent stays, and is told."""
    scene = to_notice(Scene(THREE))
    scene.stubborn.add(DialChannel)
    customer = scene.prompt_ends().channel("customer")
    scene.tell(DialInDoubt(at=scene.at, channel=customer))
    assert ([customer], ["paris-1"], "Explaining") == (scene.hung_up, by_trunk(scene), scene.stage)
    assert scene.prompt_ends().verdict.outcome == "indeterminate"


def test_what_the_trunks_say_too_late_rings_nobody() -> None:
    """The call is being ended while they are asked."""
    scene = to_customer(Scene())
    scene.stubborn |= {ChooseTrunk, HangUp}
    scene.customer_ends(34, 503).finish_ordered()
    scene.tell(TrunkChosen(at=scene.at, role="customer", trunk=Slug("paris-2")))
    assert (scene.stage, len(scene.call.customer.attempts)) == ("Finishing", 1)


def test_an_answer_of_the_trunks_counts_once() -> None:
    scene = to_customer(Scene(THREE)).customer_ends(34, 503)
    before = scene.call
    assert before == scene.tell(TrunkChosen(at=scene.at, role="customer", trunk=Slug("lyon-1"))).call


@pytest.mark.parametrize(
    ("scene", "held"),
    [
        (Scene(), ["paris-1", "paris-1"]),
        (Scene(asked_sip(3)), ["paris-1"]),
        (Scene(customer_routes=()), ["paris-1"]),
        (to_ringing(Scene()), ["paris-1", "paris-1"]),
        (to_customer(Scene()).customer_ends(34, 503), ["paris-1", "paris-2"]),
        (to_reason(Scene()), ["paris-1"]),
        (Scene().finish_ordered(), []),
        (to_talk(Scene()).customer_hangs_up(), []),
    ],
    ids=["start", "sip", "nowhere to go", "both", "failed over", "reason", "abandoned", "over"],
)
def test_trunk_channels_held(scene: Scene, held: list[str]) -> None:
    """The customer's channel is kept from the start, so that no agent is rung for a call that cannot go out."""
    assert held == trunks_held(scene.call)
