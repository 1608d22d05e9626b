"""standardiste: a telephony engine that stands beside Asterisk. `docs/adr/` says why it is built as it is."""

__version__ = "0.1.0"  # the only place; pyproject.toml reads it from here
