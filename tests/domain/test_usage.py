"""What a call uses, read from its state."""

from engine.domain import usage
from engine.domain.tariff import Money, Price
from engine.domain.values import CallId
from tests.domain.calls import AGENT_MOBILE, CALL, CUSTOMER, Scene, asked, asked_sip, moment
from tests.domain.told_stages import to_talk


def priced(number: str) -> Price:
    return Price(Money(7), "+33140" if number == CUSTOMER else None)


def test_both_legs_by_trunk_before_anything_is_dialled() -> None:
    use = usage.of_request(CALL, asked(), 5.0, priced)
    assert [(leg.role, leg.trunk, leg.answered) for leg in use.legs] == [
        ("customer", "paris-1", None),
        ("agent", "paris-1", None),
    ]
    assert use.scopes == (
        "house", f"agent:{use.agent}", f"token:{use.token}", "trunk:paris-1", "prefix:+33140",
    )  # fmt: skip
    assert (use.requested, use.closed) == (5.0, False)


def test_telephones_of_the_house_cost_nothing() -> None:
    assert [leg.role for leg in usage.of_request(CALL, asked_sip(), 5.0, priced).legs] == ["customer"]
    assert [leg.role for leg in usage.of_call(Scene(asked_sip()).call, priced).legs] == ["customer"]


def test_a_request_without_a_way_uses_nothing() -> None:
    assert usage.of_request(CALL, asked(customer_routes=(), agent_routes=()), 5.0, priced).legs == ()


def test_the_state_says_the_same_as_the_request() -> None:
    scene = Scene()
    of_state = usage.of_call(scene.call, priced)
    of_order = usage.of_request(CallId(CALL), scene.call.request, scene.call.requested.mono, priced)
    assert set(of_state.legs) == set(of_order.legs)
    assert (of_state.scopes and set(of_state.scopes), of_state.requested) == (set(of_order.scopes), of_order.requested)


def test_when_each_leg_was_answered_and_ended() -> None:
    scene = to_talk(Scene())
    talking = usage.of_call(scene.call, priced)
    assert all(leg.answered is not None and leg.ended is None for leg in talking.legs)
    over = usage.of_call(scene.after(60).customer_hangs_up().after(1).call, priced)
    assert over.closed
    for leg in over.legs:
        assert leg.answered is not None
        assert leg.ended is not None
        assert leg.ended >= leg.answered


def test_the_trunk_that_carried_it_counts() -> None:
    scene = Scene().agent_ends(34)
    (agent,) = (leg for leg in usage.of_call(scene.call, priced).legs if leg.role == "agent")
    assert agent.trunk == scene.call.agent.attempts[-1].route.trunk
    assert scene.call.agent.number == AGENT_MOBILE
    assert moment(0).mono == 0.0
