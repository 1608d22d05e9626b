-- The journal's tables, version 1. Times are microseconds since 1970, UTC.

-- One row per step. AUTOINCREMENT: a number is never given twice, not even after pruning.
CREATE TABLE steps (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  call_id         TEXT NOT NULL,
  at              INTEGER NOT NULL,
  event           BLOB NOT NULL,
  effects         BLOB NOT NULL,
  state           BLOB NOT NULL,
  machine_version TEXT NOT NULL,
  closed          INTEGER NOT NULL CHECK (closed IN (0, 1))
);
CREATE INDEX steps_call ON steps (call_id, seq);

-- The calls that are not over; their state is that of the step named here, so that it is written only once.
CREATE TABLE open_calls (
  call_id  TEXT NOT NULL PRIMARY KEY,
  last_seq INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE closed_calls (
  call_id    TEXT NOT NULL PRIMARY KEY,
  closed_seq INTEGER NOT NULL,
  closed_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX closed_calls_at ON closed_calls (closed_at);
CREATE INDEX closed_calls_seq ON closed_calls (closed_seq);

CREATE TABLE idempotency (
  owner     TEXT NOT NULL,
  key       TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  at        INTEGER NOT NULL,
  call_id   TEXT,
  answer    BLOB,
  PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);

-- What PostgreSQL must learn, in order. Kept after shipping until its call is pruned.
CREATE TABLE outbox (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  kind    TEXT NOT NULL,
  call_id TEXT,
  at      INTEGER NOT NULL,
  payload BLOB NOT NULL,
  shipped INTEGER NOT NULL DEFAULT 0 CHECK (shipped IN (0, 1))
);
CREATE INDEX outbox_waiting ON outbox (seq) WHERE shipped = 0;
CREATE INDEX outbox_call ON outbox (call_id, seq);
CREATE INDEX outbox_shipped ON outbox (at) WHERE shipped = 1;

CREATE TABLE facts (
  name  TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
