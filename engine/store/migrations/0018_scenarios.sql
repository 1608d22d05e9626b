-- Scenarios as they were published. A version is the hash of all that its callers meet, and never changes; every move of
-- an alias is kept, and the newest one counts.

CREATE TABLE scenario_versions (
  version    text PRIMARY KEY CHECK (version ~ '^[0-9a-f]{64}$'),
  name       slug NOT NULL,
  program    json NOT NULL,    -- engine/domain/scenario/graph.py's Program; the order of its nodes and keys is kept
  sources    jsonb NOT NULL CHECK (jsonb_typeof(sources) = 'object'),     -- path: text of the file
  recordings jsonb NOT NULL CHECK (jsonb_typeof(recordings) = 'array'),   -- [{"name", "language", "sha256"}]
  author     text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE scenario_recordings (
  sha256  text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  content bytea NOT NULL       -- WAV, as it was uploaded
);

CREATE TABLE scenario_moves (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name    slug NOT NULL,
  alias   text NOT NULL CHECK (alias IN ('live', 'previous', 'test')),
  version text NOT NULL REFERENCES scenario_versions (version),
  author  text NOT NULL,
  at      timestamptz NOT NULL
);
CREATE INDEX scenario_moves_newest ON scenario_moves (name, alias, number DESC);
