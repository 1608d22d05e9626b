"""A prompt that broke off: its listener is hanging up, or there is no such recording."""

from tests.domain.calls import Scene
from tests.domain.told_stages import to_notice


def test_agent_hangs_up_during_the_notice() -> None:
    """Asterisk tells the end of the prompt first, then that of the channel; nobody is rung in between."""
    scene = to_notice(Scene()).after(1).prompt_ends(heard=False)
    assert scene.stage == "Informing"
    verdict = scene.after(0.01).agent_hangs_up().verdict
    assert (verdict.outcome, verdict.hangup_by) == ("abandoned", "agent")
    assert scene.call.customer.attempts == ()


def test_notice_that_cannot_be_played() -> None:
    scene = to_notice(Scene()).prompt_ends(heard=False).timer("notice")
    assert scene.stage == "ReachingCustomer"
