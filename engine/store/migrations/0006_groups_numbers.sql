-- The directory goes on: groups, numbers, disposition codes. As in 0002, the columns are the fields of
-- engine/domain/directory.py, and constraints are checked at the end of a change.

CREATE TABLE groups (
  id        slug PRIMARY KEY,
  name      text NOT NULL,
  site      slug NOT NULL REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
  extension text NOT NULL CHECK (extension ~ '^[1-9][0-9]{1,5}$'),
  strategy  text NOT NULL CHECK (strategy IN ('ring_all', 'one_by_one')),
  members   slug[] NOT NULL,                    -- agents, in the order they are rung
  ring_s    integer NOT NULL CHECK (ring_s > 0),
  language  text CHECK (language IN ('fr', 'en')),
  CONSTRAINT groups_extension UNIQUE (extension) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE numbers (
  id           e164 PRIMARY KEY,
  trunk        slug NOT NULL REFERENCES trunks (id) DEFERRABLE INITIALLY DEFERRED,
  target       jsonb NOT NULL CHECK (target ->> 'type' IN ('agent', 'group') AND target ? 'id'),
  active       boolean NOT NULL,
  valid_from   date,
  valid_until  date,
  campaign     text,
  service      text,
  language     text CHECK (language IN ('fr', 'en')),
  -- What the target names exists, whoever writes here.
  target_agent text GENERATED ALWAYS AS (CASE target ->> 'type' WHEN 'agent' THEN target ->> 'id' END) STORED
               REFERENCES agents (id) DEFERRABLE INITIALLY DEFERRED,
  target_group text GENERATED ALWAYS AS (CASE target ->> 'type' WHEN 'group' THEN target ->> 'id' END) STORED
               REFERENCES groups (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT numbers_days CHECK (valid_from <= valid_until)
);

CREATE TABLE disposition_codes (
  id        text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
  label_fr  text NOT NULL,
  label_en  text NOT NULL,
  active    boolean NOT NULL,
  campaigns text[] NOT NULL
);
