"""Every way a connect call can end: what happens -> outcome, who ended it, cause, SIP code, what the agent heard."""

import pytest

from tests.domain.calls import AGENT_MOBILE, CUSTOMER, Scene, Tale, asked, trunk_route, trunks
from tests.domain.legality import check_record
from tests.domain.told_stages import to_answer, to_customer, to_notice, to_ringing, to_talk

Row = tuple[str, Tale, str, list[str]]
"""What it is called; what happens; outcome, who ended it, Q.850 cause and SIP code; what the agent hears."""


def ends_as(scene: Scene, ending: str, heard: list[str]) -> None:
    for told in (scene.verdict, check_record(scene.call)):
        assert ending == f"{told.outcome} by {told.hangup_by}, {told.cause or '-'}, {told.sip_code or '-'}"
    assert heard == scene.heard


def table(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("tale", "ending", "heard"), [pytest.param(*row[1:], id=row[0]) for row in rows])


# -- the agent cannot be had -------------------------------------------------------------------------------------------

ONE_TRUNK = asked(agent_routes=trunks(AGENT_MOBILE, "paris-1"))
AGENT: list[Row] = [
    ("no answer, our limit", lambda s: s.agent_rings().timer("ring-agent"), "agent_no_answer by engine, 19, -", []),
    ("no answer, no ringing", lambda s: s.timer("ring-agent"), "agent_no_answer by engine, 19, -", []),
    (
        "no answer, the network's limit",
        lambda s: s.agent_rings().agent_ends(19, 480),
        "agent_no_answer by network, 19, 480",
        [],
    ),
    ("no answer, cancelled", lambda s: s.agent_rings().agent_ends(16, 487), "agent_no_answer by network, 16, 487", []),
    ("busy", lambda s: s.agent_is_busy(), "agent_busy by agent, 17, 486", []),
    ("busy everywhere", lambda s: s.agent_ends(17, 600), "agent_busy by agent, 17, 600", []),
    ("busy, no SIP code seen", lambda s: s.agent_ends(17), "agent_busy by agent, 17, -", []),
    ("declines", lambda s: s.agent_rings().agent_declines(), "agent_declined by agent, 21, 603", []),
    ("switched off", lambda s: s.agent_ends(20, 480), "agent_unreachable by network, 20, 480", []),
    ("number unknown", lambda s: s.agent_ends(1, 404), "agent_unreachable by network, 1, 404", []),
    ("trunk refuses", lambda s: s.agent_ends(34, 503), "congestion by network, 34, 503", []),
    ("trunk forbids", lambda s: s.agent_ends(21, 403), "congestion by network, 21, 403", []),
    ("trunk redirects", lambda s: s.agent_ends(23, 302), "congestion by network, 23, 302", []),
    (
        "redirected after ringing",
        lambda s: s.agent_rings().agent_ends(23, 302),
        "agent_no_answer by network, 23, 302",
        [],
    ),
    ("trunk silent", lambda s: s.agent_ends(18, 408), "trunk_down by network, 18, 408", []),
    ("ended unseen", lambda s: s.agent_ends(None), "indeterminate by network, -, -", []),
    ("strange cause before ringing", lambda s: s.agent_ends(88), "congestion by network, 88, -", []),
    ("strange cause after ringing", lambda s: s.agent_rings().agent_ends(88), "agent_no_answer by network, 88, -", []),
]


@table(AGENT)
def test_agent_cannot_be_had(tale: Tale, ending: str, heard: list[str]) -> None:
    scene = tale(Scene(ONE_TRUNK).after(1))
    ends_as(scene, ending, heard)
    assert [f"PJSIP/{AGENT_MOBILE[1:]}@paris-1"] == scene.rung


# -- is a human there? (feature X3) ------------------------------------------------------------------------------------

CONFIRM: list[Row] = [
    (
        "voicemail: nobody presses 1",
        lambda s: s.prompt_ends().timer("confirm").prompt_ends().timer("confirm").prompt_ends().timer("confirm"),
        "agent_voicemail by engine, 16, -",
        ["press-one"] * 3,
    ),
    (
        "the prompt's end is never told",
        lambda s: s.timer("confirm").timer("confirm").timer("confirm"),
        "agent_voicemail by engine, 16, -",
        ["press-one"] * 3,
    ),
    (
        "other keys are not 1",
        lambda s: s.presses("2").presses("#").prompt_ends().after(1.8).presses("*").prompt_ends().after(12),
        "agent_voicemail by engine, 16, -",
        ["press-one"] * 3,
    ),
    ("hangs up instead", lambda s: s.after(1).agent_hangs_up(), "agent_declined by agent, 16, -", ["press-one"]),
    ("hangs up, BYE without a reason", lambda s: s.agent_ends(0), "agent_declined by agent, 16, -", ["press-one"]),
]


@table(CONFIRM)
def test_press_one(tale: Tale, ending: str, heard: list[str]) -> None:
    ends_as(tale(to_answer(Scene())), ending, heard)


def test_press_one_at_the_third_asking() -> None:
    scene = to_answer(Scene()).prompt_ends().after(1.8).prompt_ends().after(1.8).after(1.5)
    assert scene.presses("1").stage == "Informing"


def test_only_the_agents_own_key_counts() -> None:
    scene = to_answer(Scene())
    scene.hears_key("1", on=scene.channel("agent", 2))
    assert scene.stage == "Confirming"


def test_no_second_of_silence_too_many() -> None:
    """The pause between two prompts is the longest silence anybody is left in."""
    scene = to_answer(Scene()).prompt_ends()
    assert scene.call.timers["confirm"] - scene.now < 2.0


EARLY = asked(agent_routes=(trunk_route(AGENT_MOBILE, "gsm-1", answers_early=True),), confirm=False)


def test_trunk_that_answers_early_asks_until_the_ring_limit() -> None:
    """A GSM gateway answers before the mobile does: confirmation is not a choice there, and three tries are too few."""
    scene = Scene(EARLY).after(2).agent_answers()
    while scene.stage == "Confirming":
        assert scene.now < 25
        scene.after(2)
        if scene.call.playbacks:
            scene.prompt_ends().after(1.8)
    ends_as(scene, "agent_no_answer by engine, 19, -", ["press-one"] * 7)
    assert scene.record.agent_answered_at is None


def test_trunk_that_answers_early_and_a_human() -> None:
    scene = Scene(EARLY).after(2).agent_answers().after(2).prompt_ends().after(11).presses("1").prompt_ends()
    row = scene.customer_answers().after(5).customer_hangs_up().record
    assert row.outcome == "answered"
    assert row.agent_answered_at is not None
    assert (row.agent_answered_at - row.requested_at).total_seconds() == 15  # when 1 was pressed, not at 2 s


def test_trunk_that_answers_early_and_hangs_up() -> None:
    """The mobile rang out or was busy behind the gateway: not the agent's doing."""
    scene = Scene(EARLY).after(2).agent_answers().after(9).agent_hangs_up()
    ends_as(scene, "agent_no_answer by network, 16, -", ["press-one"])


# -- what the agent hears before the customer rings (feature E1) -------------------------------------------------------


@pytest.mark.parametrize(
    ("notice", "heard"),
    [("message", ["connecting", "tone"]), ("tone", ["tone"]), ("music", ["music"])],
)
def test_notice(notice: str, heard: list[str]) -> None:
    scene = Scene(confirm=False, notice=notice).agent_answers()
    if notice == "message":
        assert scene.stage == "Informing"
        scene.prompt_ends()
    assert scene.stage == "ReachingCustomer"
    assert heard == scene.heard


def test_notice_whose_end_is_never_told() -> None:
    assert to_notice(Scene()).timer("notice").stage == "ReachingCustomer"


def test_agent_hears_the_real_thing_once_there_is_one() -> None:
    """Ringing takes the place of comfort by itself; early media is heard only once comfort is stopped."""
    assert to_customer(Scene()).customer_rings().heard[-1:] == ["tone"]
    assert to_customer(Scene()).customer_announces().heard[-2:] == ["tone", "stop"]
    assert to_customer(Scene()).customer_answers().heard[-2:] == ["tone", "stop"]


# -- the customer ------------------------------------------------------------------------------------------------------

START = ["press-one", "connecting", "tone"]
LAST_TRUNK = asked(customer_routes=trunks(CUSTOMER, "paris-1"))
REASONS: list[Row] = [
    ("busy", lambda s: s.customer_is_busy(), "customer_busy by customer, 17, 486", ["customer-busy"]),
    ("rejects", lambda s: s.customer_rejects(), "customer_rejected by customer, 21, 603", ["customer-rejected"]),
    ("cause 21 alone", lambda s: s.customer_ends(21), "customer_rejected by customer, 21, -", ["customer-rejected"]),
    ("number invalid", lambda s: s.customer_ends(1, 404), "customer_invalid by network, 1, 404", ["customer-invalid"]),
    (
        "number incomplete",
        lambda s: s.customer_ends(28, 484),
        "customer_invalid by network, 28, 484",
        ["customer-invalid"],
    ),
    ("number gone", lambda s: s.customer_ends(22, 410), "customer_invalid by network, 22, 410", ["customer-invalid"]),
    (
        "switched off",
        lambda s: s.customer_ends(20, 480),
        "customer_no_answer by network, 20, 480",
        ["customer-unreachable"],
    ),
    (
        "the network gives up",
        lambda s: s.customer_ends(19, 487),
        "customer_no_answer by network, 19, 487",
        ["customer-no-answer"],
    ),
    (
        "no answer, our limit",
        lambda s: s.timer("ring-customer"),
        "customer_no_answer by engine, 19, -",
        ["customer-no-answer"],
    ),
    ("trunk refuses", lambda s: s.customer_ends(34, 503), "congestion by network, 34, 503", ["congestion"]),
    ("trunk wants a password", lambda s: s.customer_ends(21, 401), "congestion by network, 21, 401", ["congestion"]),
    ("trunk silent", lambda s: s.customer_ends(18, 408), "trunk_down by network, 18, 408", ["congestion"]),
    ("ended unseen", lambda s: s.customer_ends(None), "indeterminate by network, -, -", ["congestion"]),
]


@table(REASONS)
def test_customer_cannot_be_had(tale: Tale, ending: str, heard: list[str]) -> None:
    """The agent is told why, in a few words, and then the call ends."""
    scene = tale(to_customer(Scene(LAST_TRUNK)).after(3))
    assert scene.stage == "Explaining"
    comfort = ["stop"]
    ends_as(scene.after(2).prompt_ends(), ending, START + comfort + heard)


@table(REASONS)
def test_reason_whose_end_is_never_told(tale: Tale, ending: str, heard: list[str]) -> None:
    ends_as(tale(to_customer(Scene(LAST_TRUNK)).after(3)).timer("explain"), ending, [*START, "stop", *heard])


def test_announcement_in_early_media_then_invalid() -> None:
    """ "The number you have dialled..." is heard by the agent, then the network says the same in its own way."""
    scene = to_customer(Scene()).customer_announces().after(6).customer_ends(1, 404).prompt_ends()
    ends_as(scene, "customer_invalid by network, 1, 404", [*START, "stop", "customer-invalid"])


def test_a_trunk_that_fails_after_ringing_is_not_followed_by_another() -> None:
    """The customer's telephone rang: by another trunk they would be called a second time."""
    scene = to_ringing(Scene()).customer_ends(34, 503).prompt_ends()
    ends_as(scene, "congestion by network, 34, 503", [*START, "congestion"])


def test_rang_then_408_is_nobody_answering() -> None:
    """Not a dead trunk: it was alive enough to ring."""
    scene = to_ringing(Scene()).customer_ends(19, 408).prompt_ends()
    ends_as(scene, "customer_no_answer by network, 19, 408", [*START, "customer-no-answer"])


TALK: list[Row] = [
    ("the customer hangs up", lambda s: s.customer_hangs_up(), "answered by customer, 16, -", START),
    ("the agent hangs up", lambda s: s.agent_hangs_up(), "answered by agent, 16, -", START),
    ("BYE without a reason", lambda s: s.customer_ends(0), "answered by customer, 16, -", START),
    ("re-INVITEs crossed, then BYE", lambda s: s.customer_ends(127, 491), "answered by customer, 16, -", START),
    ("the network fails", lambda s: s.customer_ends(38), "answered by network, 38, -", START),
    ("no SIP is answered any more", lambda s: s.customer_ends(18, 408), "answered by network, 18, 408", START),
    ("the longest talk allowed", lambda s: s.timer("max-talk"), "answered by engine, 16, -", START),
    ("the application finishes", lambda s: s.finish_ordered(), "answered by api, 16, -", START),
]


@table(TALK)
def test_conversation_ends(tale: Tale, ending: str, heard: list[str]) -> None:
    ends_as(tale(to_talk(Scene()).after(60)), ending, heard)


def test_agent_gives_up_while_the_customer_rings() -> None:
    scene = to_ringing(Scene()).after(3).agent_hangs_up()
    ends_as(scene, "customer_cancelled by agent, 16, -", START)
    assert scene.channel("customer", 1) in scene.hung_up


def test_agent_hangs_up_during_the_reason() -> None:
    """The verdict was given before."""
    ends_as(
        to_ringing(Scene()).customer_is_busy().agent_hangs_up(),
        "customer_busy by customer, 17, 486",
        [*START, "customer-busy"],
    )


def test_nothing_leads_to_the_customer() -> None:
    ends_as(
        to_customer(Scene(customer_routes=())).prompt_ends(),
        "trunk_down by network, -, -",
        [*START, "stop", "congestion"],
    )
