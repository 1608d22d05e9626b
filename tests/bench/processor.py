"""Processor time of processes, from /proc: what a call costs, whoever else uses the machine."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def used_s(pid: int) -> float:
    """Seconds of processor time, user and system, since the process began; in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Meter:
    """What several processes use between two looks: `Meter(engine=pid, asterisk=pid)`."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self._before = {name: used_s(pid) for name, pid in pids.items()}

    def since_s(self) -> dict[str, float]:
        """Seconds used by each since the meter was made."""
        return {name: used_s(pid) - self._before[name] for name, pid in self._pids.items()}
