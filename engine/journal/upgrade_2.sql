-- Version 2: the public events of calls, numbered once and for all: the number is the cursor of those who listen.
-- AUTOINCREMENT: a number is never given twice, and the last one given is known after pruning.
CREATE TABLE events (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  call_id TEXT NOT NULL,
  at      INTEGER NOT NULL,
  payload BLOB NOT NULL
);
