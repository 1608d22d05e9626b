"""File descriptors: a process may open 1,024 unless it says that it can do with more, and this one can."""

import resource

import structlog

log = structlog.get_logger(__name__)

BESIDES = 512
"""Besides the API's connections: Asterisk, PostgreSQL, webhooks, journal, and who is being accepted or turned away."""


def allow(connections: int) -> None:
    """Let this process have so many connections; a warning when the machine does not."""
    needed = connections + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard < needed:
        log.warning("open_files.few", may=hard, wanted=needed, next="raise LimitNOFILE, or lower http.connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, needed), hard))
