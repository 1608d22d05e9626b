"""The directory the engine works with now: PostgreSQL's newest, or the last good one kept on this node."""

from engine.domain.directory import EMPTY, Directory


class CurrentDirectory:
    """Replaced whole, never changed; readers take it once and keep it for what they do."""

    def __init__(self, directory: Directory = EMPTY) -> None:
        self._directory = directory

    @property
    def directory(self) -> Directory:
        return self._directory

    def replace(self, directory: Directory) -> None:
        self._directory = directory
