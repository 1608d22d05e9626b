"""`engine token` on a real PostgreSQL."""

import pytest

from engine import cli
from tests.test_cdr_command import _settings, dsn

__all__ = ["_settings", "dsn"]


def test_a_token_for_nobody_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip in the name made a token whose every request is refused, which is found out by its user."""
    assert cli.main(["token", "create", "own", "--scope", "calls:read", "--agent", "mary"]) == 1
    assert capsys.readouterr().err == "engine: there is no agent 'mary'\n  next: Enrol or import the agent first.\n"
    assert cli.main(["token", "list"]) == 0
    assert capsys.readouterr().out == ""
