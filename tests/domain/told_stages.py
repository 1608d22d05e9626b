"""How a call comes to each of its stages: the same words for every table that asks "and what if, then?"."""

from tests.domain.calls import Scene, Tale


def to_answer(scene: Scene) -> Scene:
    return scene.after(1).agent_rings().after(4).agent_answers()


def to_notice(scene: Scene) -> Scene:
    return to_answer(scene).after(2).presses("1")


def to_customer(scene: Scene) -> Scene:
    """The agent rang 4 s, pressed 1 after 2 s and heard the notice for 3 s: the customer is dialled at 9:00:10."""
    return to_notice(scene).after(3).prompt_ends()


def to_ringing(scene: Scene) -> Scene:
    return to_customer(scene).after(2).customer_rings()


def to_talk(scene: Scene) -> Scene:
    """The customer answers at 9:00:18."""
    return to_ringing(scene).after(6).customer_answers()


def to_reason(scene: Scene) -> Scene:
    return to_ringing(scene).after(6).customer_is_busy()


TO_STAGE: dict[str, Tale] = {
    "ReachingAgent": lambda scene: scene.after(1).agent_rings(),
    "Confirming": to_answer,
    "Informing": to_notice,
    "ReachingCustomer": to_ringing,
    "Talking": to_talk,
    "Explaining": to_reason,
}
"""Every stage in which a call waits for somebody, on an Asterisk that does what it is told."""
