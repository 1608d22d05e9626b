-- Applications: the columns are the fields of engine/domain/directory.py's Application. The scenario is found by its name
-- when a caller comes: nothing keeps it from being published later.

CREATE TABLE applications (
  id            slug PRIMARY KEY,
  name          text NOT NULL,
  site          slug NOT NULL REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
  scenario      slug NOT NULL,
  alias         text NOT NULL CHECK (alias IN ('live', 'previous', 'test')),
  extension     text CHECK (extension ~ '^[1-9][0-9]{1,5}$'),
  active        boolean NOT NULL,
  valid_from    date,
  valid_until   date,
  language      text CHECK (language IN ('fr', 'en')),
  test_callers  text[] NOT NULL,
  any_number_of slug[] NOT NULL,
  CONSTRAINT applications_extension UNIQUE (extension) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT applications_days CHECK (valid_from <= valid_until)
);

ALTER TABLE numbers DROP CONSTRAINT numbers_target_check;
ALTER TABLE numbers ADD CONSTRAINT numbers_target_check
  CHECK (target ->> 'type' IN ('agent', 'group', 'application') AND target ? 'id');
ALTER TABLE numbers ADD COLUMN target_application text
  GENERATED ALWAYS AS (CASE target ->> 'type' WHEN 'application' THEN target ->> 'id' END) STORED
  REFERENCES applications (id) DEFERRABLE INITIALLY DEFERRED;
