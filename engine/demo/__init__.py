"""The demonstration: one real call from the HTTP API to its record, on a private sandbox, told as it happens."""
