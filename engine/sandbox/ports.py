"""One block of ports for each sandbox, so that any number of them runs side by side on one machine.

The block is taken by a listening-free TCP socket bound to its first port: the kernel gives it back when the owner ends,
however it ends. Blocks lie below the ports the kernel gives to outgoing connections.
"""

import socket
from dataclasses import dataclass, field
from typing import Self

from engine.sandbox.errors import PartDidNotStart

LOOPBACK = "127.0.0.1"
FIRST, END = 20000, 32000  # Linux gives 32768 and above to outgoing connections
BLOCK = 1000
SINGLE = 40  # ports of a block that are given one by one
MEDIA = (BLOCK - SINGLE) // 2  # what each of two Asterisks has for RTP: two ports per leg


@dataclass
class PortBlock:
    """A block of our own; `close` gives it back."""

    first: int
    _lock: socket.socket
    blocks: int = 1
    _next: int = field(default=1)

    @classmethod
    def claim(cls, blocks: int = 1) -> Self:
        """The first block nobody has; with more `blocks` (load tests) so many in a row, each for 240 more legs.

        Raises PartDidNotStart.
        """
        for first in range(FIRST, END - (blocks - 1) * BLOCK, BLOCK):
            locks = [_bound(first + n * BLOCK) for n in range(blocks)]
            held = [lock for lock in locks if lock is not None]
            if len(held) == blocks:
                for lock in held[1:]:
                    lock.close()
                return cls(first, held[0], blocks)
            for lock in held:
                lock.close()
        raise PartDidNotStart(
            f"no free block of ports between {FIRST} and {END}", what_next="stop another sandbox: engine demo, bin/test"
        )

    def take(self) -> int:
        """A port that is free on every loopback address, TCP and UDP."""
        while self._next < SINGLE:
            port = self.first + self._next
            self._next += 1
            if _free(port):
                return port
        raise PartDidNotStart(f"no free port left between {self.first} and {self.first + SINGLE}")

    def media(self, which: int) -> tuple[int, int]:
        """First and last RTP port of the Asterisk number `which` (0 or 1)."""
        size = (self.blocks * BLOCK - SINGLE) // 2
        start = self.first + SINGLE + which * size
        return start, start + size - 1

    def close(self) -> None:
        """Give the block back."""
        self._lock.close()


def _bound(port: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        lock.bind((LOOPBACK, port))
    except OSError:
        lock.close()
        return None
    return lock


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no reason
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
