"""What may be called and spent: sections `[fraud]` and `[credit]`."""

import re
from typing import Annotated, Literal

from msgspec import Meta

from engine.domain import tariff
from engine.sections import Limit, Secret, Section

Money = Annotated[float, Meta(ge=0, le=1_000_000)]
Share = Annotated[float, Meta(gt=0, le=1)]


def _one_each(rates: tuple[str, ...]) -> None:
    prefixes = [tariff.rate(text)[0] for text in rates]
    twice = {prefix for prefix in prefixes if prefixes.count(prefix) > 1}
    if twice:
        raise ValueError(f"two rates for +{', +'.join(sorted(twice))}")


def _signing(secret: Secret) -> None:
    if not re.fullmatch(r"whsec_[A-Za-z0-9+/]{32,}={0,2}", secret.get_secret_value()):
        raise ValueError("whsec_ and base64 of at least 24 bytes; make one: echo whsec_$(openssl rand -base64 32)")


class FraudSettings(Section, frozen=True, kw_only=True):
    """What may be called and spent before calls are cut: docs/fraud.md. Money as in your rates; 0 is no limit."""

    rates: Annotated[
        tuple[str, ...], _one_each, "Price of a minute by prefix, such as +44=0.02; the longest prefix counts."
    ] = ()
    home_rate: Annotated[
        Money, "Ordinary numbers of the site's country, where rates say nothing. Often a flat rate."
    ] = 0.01
    other_rate: Annotated[Money, "Everything else that rates say nothing of: dear, to be safe."] = 1.0
    warning_share: Annotated[Share, "Share of a limit from which on people are told."] = 0.8
    closed_share: Annotated[
        Share, "Share of each limit that holds outside a site's open_hours: fraud comes at night."
    ] = 0.25
    house_calls_per_minute: Annotated[Limit, "Calls of the whole house in any 60 seconds."] = 0
    house_concurrent_calls: Annotated[Limit, "Calls alive at once; limits.live_calls stops earlier."] = 0
    house_spend_per_hour: Annotated[Money, "Twenty agents at home spend about 24."] = 300.0
    house_spend_per_day: Annotated[Money, "The most a bad night costs."] = 1200.0
    agent_calls_per_minute: Annotated[
        Limit, "Of one agent; limits.calls_per_minute_per_agent refuses earlier, without locking."
    ] = 0
    agent_concurrent_calls: Annotated[Limit, "An agent is in one call at a time anyway."] = 0
    agent_spend_per_hour: Annotated[Money, "Twenty minutes to a number nobody knows the price of."] = 20.0
    agent_spend_per_day: Annotated[Money, "Three such hours."] = 60.0
    token_calls_per_minute: Annotated[Limit, "By one token: what limits.setups_per_s allows for a whole minute."] = 1200
    token_concurrent_calls: Annotated[Limit, "Calls alive at once by one token."] = 0
    token_spend_per_hour: Annotated[Money, "A stolen token is no better than this."] = 150.0
    token_spend_per_day: Annotated[Money, "Four such hours."] = 600.0
    trunk_calls_per_minute: Annotated[Limit, "By one trunk."] = 0
    trunk_concurrent_calls: Annotated[Limit, "The trunk's channels stop earlier."] = 0
    trunk_spend_per_hour: Annotated[Money, "By one trunk."] = 150.0
    trunk_spend_per_day: Annotated[Money, "Four such hours."] = 600.0
    prefix_calls_per_minute: Annotated[
        Limit, "To one prefix of rates, or to all that rates say nothing of; not to home numbers."
    ] = 60
    prefix_concurrent_calls: Annotated[Limit, "Fraud calls one place with many lines at once."] = 30
    prefix_spend_per_hour: Annotated[Money, "Fifty minutes to numbers of unknown price."] = 50.0
    prefix_spend_per_day: Annotated[Money, "Four such hours."] = 200.0


class CreditSettings(Section, frozen=True, kw_only=True):
    """An outside program that is asked before each call: docs/fraud.md."""

    url: Annotated[str | None, "Where to ask, by POST. Unset: nobody is asked."] = None
    secret: Annotated[
        Secret | None, _signing, "Signs the question, as webhooks are signed: whsec_ and base64 of at least 24 bytes."
    ] = None
    time_s: Annotated[
        float,
        Meta(gt=0, le=10),
        "Time it has to answer; the application waits for its own answer meanwhile.",
    ] = 2.0
    when_away: Annotated[
        Literal["refuse", "allow"], "What becomes of calls while it does not answer, or not as it should."
    ] = "refuse"
    private_addresses: Annotated[bool, "Let it be on loopback or a private address, and plain http."] = False

    def __post_init__(self) -> None:
        if (self.url is None) != (self.secret is None):
            raise ValueError("url and secret belong together: set both, or none")
