"""How hard hypothesis looks: the same stories on every build, far more and ever new ones with STANDARDISTE_SOAK=1."""

import os

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.filter_too_much)

settings.register_profile(
    "ci",
    max_examples=1000,
    stateful_step_count=25,
    derandomize=True,
    print_blob=True,
    database=None,
    deadline=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "soak", parent=settings.get_profile("ci"), max_examples=15_000, stateful_step_count=40, derandomize=False
)
settings.load_profile("soak" if os.environ.get("STANDARDISTE_SOAK") == "1" else "ci")
