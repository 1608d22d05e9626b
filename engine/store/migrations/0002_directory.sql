-- The directory: sites, trunks, agents. The columns are the fields of engine/domain/directory.py.
-- Constraints are checked at the end of a change, so that two agents can swap extensions.

CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$');
CREATE DOMAIN e164 AS text CHECK (VALUE ~ '^\+[1-9][0-9]{5,14}$');

CREATE TABLE sites (
  id                 slug PRIMARY KEY,
  name               text NOT NULL,
  country            text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  time_zone          text NOT NULL,
  language           text NOT NULL CHECK (language IN ('fr', 'en')),
  notice             text NOT NULL CHECK (notice IN ('message', 'tone', 'music')),
  confirm            boolean,
  allow_other_sites  boolean NOT NULL,
  ring_agent_s       integer NOT NULL CHECK (ring_agent_s > 0),
  ring_customer_s    integer NOT NULL CHECK (ring_customer_s > 0),
  extensions         integer[] NOT NULL CHECK (cardinality(extensions) = 2 AND extensions[1] <= extensions[2]),
  dialable_countries text[] NOT NULL
);

CREATE TABLE trunks (
  id            slug PRIMARY KEY,
  site          slug NOT NULL REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
  kind          text NOT NULL CHECK (kind IN ('peer', 'register')),
  host          text NOT NULL,
  port          integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
  transport     text NOT NULL CHECK (transport IN ('udp', 'tcp', 'tls')),
  username      text,
  secret        text,
  channels      integer NOT NULL CHECK (channels > 0),
  priority      integer NOT NULL,
  caller_ids    e164[] NOT NULL,
  answers_early boolean NOT NULL,
  codecs        text[] NOT NULL CHECK (cardinality(codecs) > 0),
  dial_prefix   text NOT NULL CHECK (dial_prefix ~ '^[0-9]*$'),
  number_format text NOT NULL CHECK (number_format IN ('e164', 'digits', 'national')),
  qualify_s     integer NOT NULL CHECK (qualify_s >= 0),
  enabled       boolean NOT NULL
);

CREATE TABLE agents (
  id               slug PRIMARY KEY,
  name             text NOT NULL,
  site             slug NOT NULL REFERENCES sites (id) DEFERRABLE INITIALLY DEFERRED,
  extension        text NOT NULL CHECK (extension ~ '^[1-9][0-9]{1,5}$'),
  secret           text NOT NULL,
  sip_user         text NOT NULL,
  mode             text NOT NULL CHECK (mode IN ('sip', 'mobile')),
  mobile           e164,
  mobile_permitted boolean NOT NULL,
  language         text CHECK (language IN ('fr', 'en')),
  confirm          boolean,
  notice           text CHECK (notice IN ('message', 'tone', 'music')),
  devices          integer NOT NULL CHECK (devices > 0),
  enabled          boolean NOT NULL,
  CONSTRAINT agents_extension UNIQUE (extension) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT agents_sip_user UNIQUE (sip_user) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT agents_sip_user_is_not_the_extension CHECK (sip_user <> extension)
);

-- Every revision that ever was, whole. The newest describes the tables above.
CREATE TABLE directory_revisions (
  revision integer PRIMARY KEY CHECK (revision > 0),
  at       timestamptz NOT NULL DEFAULT now(),
  author   text NOT NULL,
  comment  text NOT NULL,
  document jsonb NOT NULL
);
