-- A site whose trunks reach us at another address than others do, by a SIP port of its own.

ALTER TABLE sites
  ADD COLUMN external_address text,
  ADD COLUMN sip_port integer UNIQUE CHECK (sip_port BETWEEN 1 AND 65535),
  ADD COLUMN local_networks text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT sites_own_address_check CHECK ((external_address IS NULL) = (sip_port IS NULL));

ALTER TABLE sites ALTER COLUMN local_networks DROP DEFAULT;
