"""Run as ``python launch.py OWNER SIGNAL USER COMMAND...``: become COMMAND, and die when the owner dies.

A process of its own so that nothing runs between fork and exec in the owner (which has threads). The kernel sends
SIGNAL to COMMAND when the *thread* that started it ends: start parts from a thread that lives as long as they should.
USER is ``-`` or the name of the account to become; only root can.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(owner: int, signal: int, user: str, command: list[str]) -> None:
    """Never returns."""
    if user != "-":
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if signal:  # after setuid, which would clear it
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != owner:  # it died before the line above
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - this is what the file is for


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
