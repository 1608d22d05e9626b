"""A far end that tells of everything late, so that tests which read what they should wait for fail every time.

What happens in one process is known in another a moment later: a few milliseconds on a quiet machine, and once in a
thousand runs more than the test took to look.
"""

import asyncio

from engine.ami.wire import Message
from engine.sandbox.farend import FarEnd


def be_late(seconds: float) -> None:
    """From now on, in this process, each event of the far end is heard so much later; their order stays."""
    on_event = FarEnd._on_event

    def later(self: FarEnd, event: Message) -> None:
        asyncio.get_running_loop().call_later(seconds, on_event, self, event)

    FarEnd._on_event = later  # type: ignore[method-assign]  # on purpose: every far end is late from now on
