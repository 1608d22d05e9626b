"""Fixtures with real parts: the store's own PostgreSQL."""

from tests.store.conftest import db, postgres

__all__ = ["db", "postgres"]
