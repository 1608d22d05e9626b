"""A process that is killed between two steps of what it does."""

from collections.abc import Callable
from typing import Any

import pytest


class Killed(BaseException):
    """Nothing that is done after it is done."""


def dies_at(step: int, patched: pytest.MonkeyPatch, *kinds: tuple[object, str]) -> None:
    """Calls of these (owner, name) are the steps; at this one, and at each that would follow, the process is dead."""
    left = [step]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def count(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*given, **named)

        return count

    for owner, name in kinds:
        patched.setattr(owner, name, counted(getattr(owner, name)))
