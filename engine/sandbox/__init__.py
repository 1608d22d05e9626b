"""Real parts without ceremony: a private Asterisk, PostgreSQL and far end, for the demo, the tests and the bench."""
