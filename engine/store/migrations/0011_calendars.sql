-- Calendars: the columns are the fields of engine/domain/directory.py's Calendar. Hours and holidays are read by the
-- engine, which refuses what it cannot read before it comes here.

CREATE TABLE calendars (
  id              slug PRIMARY KEY,
  name            text NOT NULL,
  site            slug REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
  time_zone       text,
  hours           text NOT NULL CHECK (hours <> ''),
  country         text CHECK (country ~ '^[A-Z]{2}$'),
  public_holidays boolean NOT NULL,
  holidays        text[] NOT NULL,
  CONSTRAINT calendars_place CHECK (site IS NOT NULL OR time_zone IS NOT NULL)
);
