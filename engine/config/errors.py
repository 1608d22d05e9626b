"""What can go wrong when Asterisk is given new files (part of the tree in `engine/errors.py`)."""

from engine.errors import StandardisteError, Unavailable


class ConfigRejected(StandardisteError):
    """Asterisk did not take the new files; the last good ones are in force again, nothing else was changed."""

    code = "config-rejected"
    http_status = 409


class ConfigBusy(Unavailable):
    """Somebody else is changing Asterisk's files at this moment."""

    code = "config-busy"


class LastGoodLost(StandardisteError):
    """The files to go back to are not what was saved; a person must look."""

    code = "last-good-lost"
