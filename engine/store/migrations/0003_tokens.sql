-- API tokens. Only their SHA-256 is kept: a token is 32 random bytes, which nobody guesses from a hash.

CREATE TABLE tokens (
  id         uuid PRIMARY KEY,
  name       text NOT NULL,
  hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  scopes     text[] NOT NULL CHECK (cardinality(scopes) > 0),
  agent      text,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;
