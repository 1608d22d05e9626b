"""A process that may open few files is allowed what the API needs, as far as the machine lets it."""

import resource

import pytest
from structlog.testing import capture_logs

from engine.app import open_files


@pytest.mark.parametrize(
    ("limits", "becomes", "warns"),
    [
        ((1024, 524_288), (1512, 524_288), False),
        ((1024, 1200), (1200, 1200), True),
        ((4096, 4096), None, False),
    ],
)
def test_as_many_as_the_connections_need(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], becomes: tuple[int, int] | None, warns: bool
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, now: given.append(now))
    with capture_logs() as lines:
        open_files.allow(1000)
    assert given == ([] if becomes is None else [becomes])
    assert [line["event"] for line in lines] == (["open_files.few"] if warns else [])
