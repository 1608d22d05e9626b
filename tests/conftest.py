"""Marks tests by the folder they live in, so that nobody forgets: `live/` is live, `faults/` is live and faults; and
those that are long.

A live test that fails tells what the Asterisks of its boxes had to say.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from engine.sandbox.sandbox import Sandbox
from tests.late import be_late

HERE = Path(__file__).parent
LONG = (
    *("app/test_own_asterisk", "app/test_whole_api", "scenarios/check/test_proof", "scenarios/check/test_speed"),
    *("faults/test_attacks", "faults/test_every_crash_point", "faults/test_hung_and_deaf", "faults/test_outages"),
    *("faults/test_scenarios", "http/test_problems", "live/test_beside", "live/test_browser", "live/test_browser_tls"),
    *("live/test_call_journals", "live/test_change_under_load", "live/test_config", "live/test_demo"),
    *("live/test_directory_api", "live/test_emergency", "live/test_groups", "live/test_incidents"),
    *("live/test_limits", "live/test_menus"),
    *("live/test_scenario_keys", "live/test_scenario_reality", "live/test_sip_torture", "live/test_site_addresses"),
    *("live/test_softphone", "live/test_tls_trunks", "live/test_trunk_changes", "live/test_trunks"),
)
"""Files that every landing runs (`bin/test --all`) and a developer's every run does not, which is to be over in eight
minutes on two cores: a quarter of an hour of telephones that ring, and of things that are broken and come back. What
stays there has a call of each kind: placed, taken, refused, led, heard, and killed in every stage."""


def pytest_configure() -> None:
    if late_s := os.environ.get("STANDARDISTE_LATE_S"):
        be_late(float(late_s))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marks of its room; those that break things come first, for two workers share the files and
    these take longest."""
    for item in items:
        room = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if room in {"live", "faults"}:
            item.add_marker(pytest.mark.live)
        if room == "faults":
            item.add_marker(pytest.mark.faults)
        if room and item.path.relative_to(HERE).with_suffix("").as_posix() in LONG:
            item.add_marker(pytest.mark.long)
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the boxes' last words to the report of a failure, while they still stand."""
    report = yield
    if report.failed and item.get_closest_marker("live"):
        report.sections += [("box", box.last_words()) for box in Sandbox.running]
    return report
