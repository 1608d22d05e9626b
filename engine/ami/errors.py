"""What can go wrong between us and Asterisk's manager interface."""

from typing import ClassVar

from engine.errors import StandardisteError, Unavailable


class AmiAway(Unavailable):
    """No connection, or no answer in time: the action may or may not have been done, and doing it again is safe."""

    code = "asterisk-unreachable"


class AmiRefused(StandardisteError):
    """Asterisk understood and said no."""

    code = "asterisk-error"
    http_status: ClassVar[int] = 502
