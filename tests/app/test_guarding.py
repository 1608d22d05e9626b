"""The limits of the settings, in the words of the domain."""

import pytest

from engine.app import guarding
from engine.domain.limits import KINDS, MEASURES
from engine.domain.tariff import money
from engine.fraud_settings import FraudSettings
from engine.sections import WrongSettings, made


def test_every_kind_and_measure_has_its_setting() -> None:
    settings = FraudSettings(**{f"{kind}_{measure}": 7 for kind in KINDS for measure in MEASURES})  # type: ignore[arg-type]
    caps = guarding.rules(settings).caps
    assert set(caps) == {(kind, measure) for kind in KINDS for measure in MEASURES}
    assert {caps["house", "calls_per_minute"], caps["prefix", "concurrent_calls"]} == {7}
    assert {caps["agent", "spend_per_hour"], caps["token", "spend_per_day"]} == {money(7)}


def test_nothing_to_configure_protects_money_of_every_kind_of_scope() -> None:
    rules = guarding.rules(FraudSettings())
    assert {kind for kind, measure in rules.caps if measure == "spend_per_day"} == set(KINDS)
    assert ("agent", "calls_per_minute") not in rules.caps  # 0 is none


def test_prices() -> None:
    prices = guarding.prices(FraudSettings(rates=("+44=0.02", "1=0.5"), home_rate=0, other_rate=2.5))
    assert (prices.rates, prices.home, prices.other) == ({"44": money(0.02), "1": money(0.5)}, 0, money(2.5))


@pytest.mark.parametrize("rates", [["+44=0.02", "44=0.03"], ["44"], ["+44=-1"], ["+44=0.02; rm -rf /"]])
def test_rates_that_cannot_be_meant(rates: list[str]) -> None:
    with pytest.raises(WrongSettings):
        made(FraudSettings, {"rates": rates})


@pytest.mark.parametrize(
    "wrong", [{"warning_share": 0}, {"closed_share": 1.5}, {"agent_spend_per_day": -1}, {"agent": 1}]
)
def test_settings_that_cannot_be_meant(wrong: dict[str, float]) -> None:
    with pytest.raises(WrongSettings):
        made(FraudSettings, wrong)
