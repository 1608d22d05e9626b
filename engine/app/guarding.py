"""The limits of the settings, in the words of the domain."""

from typing import cast

from engine.domain import tariff
from engine.domain.limits import KINDS, MEASURES, SPENDING, Kind, Measure, Rules
from engine.domain.tariff import Tariff
from engine.fraud_settings import FraudSettings


def rules(settings: FraudSettings) -> Rules:
    """Every cap that is set; 0 is none."""
    caps: dict[tuple[Kind, Measure], int] = {}
    for kind in KINDS:
        for measure in MEASURES:
            value = cast("float", getattr(settings, f"{kind}_{measure}"))
            if value > 0:
                caps[kind, measure] = tariff.money(value) if measure in SPENDING else int(value)
    return Rules(caps=caps, warning_share=settings.warning_share)


def prices(settings: FraudSettings) -> Tariff:
    return Tariff(
        rates=dict(tariff.rate(text) for text in settings.rates),
        home=tariff.money(settings.home_rate),
        other=tariff.money(settings.other_rate),
    )
