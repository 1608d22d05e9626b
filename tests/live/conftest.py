"""All live tests share one event loop and one box of real parts."""

from pathlib import Path

import pytest
import pytest_asyncio

from tests.boxes import box, own_box

__all__ = ["box", "own_box"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in the loop that the shared box lives in."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
