-- Incidents that are set: the columns are the fields of engine/domain/incidents.py's Incident. A row whose time is over
-- counts no more, and is taken away by whichever engine looks first.

CREATE TABLE incidents (
  code       slug PRIMARY KEY,
  author     text NOT NULL,
  message_fr text,
  message_en text,
  set_at     timestamptz NOT NULL,
  expires_at timestamptz,
  CONSTRAINT incidents_time CHECK (set_at < expires_at)
);
