-- Contacts: the columns are the fields of engine/domain/contacts.py's Contact, and what is kept about the row.
-- Numbers are one document, [{"label": "mobile", "number": "+33612345678"}], so that a contact is written in one go.

CREATE TABLE contacts (
  id          text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
  name        text NOT NULL,
  numbers     jsonb NOT NULL CHECK (jsonb_typeof(numbers) = 'array'),
  source      text,
  external_id text,
  attributes  jsonb NOT NULL CHECK (jsonb_typeof(attributes) = 'object'),
  version     integer NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT contacts_outside_is_whole CHECK ((source IS NULL) = (external_id IS NULL)),
  CONSTRAINT contacts_numbers CHECK (
    NOT jsonb_path_exists(numbers, '$[*].number ? (!(@ like_regex "^[+][1-9][0-9]{5,14}$"))')),
  -- At the end of a change: two contacts may swap.
  CONSTRAINT contacts_outside UNIQUE (source, external_id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX contacts_by_number ON contacts USING gin (numbers jsonb_path_ops);
