"""Marks tests by the folder they live in, so that nobody forgets: `live/` is live, `faults/` is live and faults.

A live test that fails tells what the Asterisks of its boxes had to say.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from engine.sandbox.sandbox import Sandbox

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marks of its room; those that break things come first, for two workers share the files and
    these take longest."""
    for item in items:
        room = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if room in {"live", "faults"}:
            item.add_marker(pytest.mark.live)
        if room == "faults":
            item.add_marker(pytest.mark.faults)
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the boxes' last words to the report of a failure, while they still stand."""
    report = yield
    if report.failed and item.get_closest_marker("live"):
        report.sections += [("box", box.last_words()) for box in Sandbox.running]
    return report
