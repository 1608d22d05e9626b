"""Disk space put aside for the journal: given up when the disk is full, so that live calls can still be written."""

import os
from pathlib import Path

BALLAST_BYTES = 8 * 1024 * 1024  # about 800 calls of 10 kB: time to refuse new work and to finish the calls there are


class Ballast:
    """A file of reserved blocks beside the journal; `size` in bytes, 0 for none."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def present(self) -> bool:
        """Whether the reserve is there in full."""
        return self._size == 0 or (self._path.exists() and self._path.stat().st_size == self._size)

    def drop(self) -> None:
        """Gives the space to the journal."""
        self._path.unlink(missing_ok=True)

    def restore(self) -> bool:
        """Takes the space back; True when it is there and as much again is free, so that it does not flap."""
        try:
            return self.retake() and self._free() >= self._size
        except OSError:  # the folder cannot be looked at: certainly no room there
            return False

    def retake(self) -> bool:
        """Takes the space back if it can; says whether the reserve is there now."""
        if self.present():
            return True
        if self._free() < self._size:
            return False
        try:
            self._reserve()
        except OSError:  # someone else took the space meanwhile: not now
            self.drop()
            return False
        return True

    def _free(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def _reserve(self) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._size)  # real blocks: a sparse file would reserve nothing
        finally:
            os.close(fd)
