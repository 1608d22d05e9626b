"""What can go wrong while real parts are fetched and started; every message says what to do next.

Unavailable
└── SandboxError
    ├── FetchFailed        packages could not be downloaded or unpacked
    ├── PartDidNotStart    a process ended, or was not ready within its bound
    └── FarEndRefused      the far end could not do what was asked of it
"""

from engine.errors import Unavailable


class SandboxError(Unavailable):
    """A part of the sandbox could not be had. Only the demo, the tests and the bench meet it, never a served call."""

    code = "sandbox"


class FetchFailed(SandboxError):
    """Packages could not be downloaded or unpacked; `what_next` names the remedy."""

    code = "sandbox-fetch-failed"


class PartDidNotStart(SandboxError):
    """A process ended, or was not ready within its bound; the message carries the tail of its log."""

    code = "sandbox-part-did-not-start"


class FarEndRefused(SandboxError):
    """The far end could not do what was asked of it: no such call, no such trunk."""

    code = "sandbox-far-end-refused"
