"""Marks tests by the folder they live in, so that nobody forgets: `live/` is live, `faults/` is live and faults."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marks of its room."""
    for item in items:
        room = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if room in {"live", "faults"}:
            item.add_marker(pytest.mark.live)
        if room == "faults":
            item.add_marker(pytest.mark.faults)
