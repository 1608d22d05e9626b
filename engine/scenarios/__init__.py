"""Scenarios as files: read, checked, tried, drawn and kept in versions. What they mean is `engine.domain.scenario`."""
