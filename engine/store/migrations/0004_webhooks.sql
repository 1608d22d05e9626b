-- Receivers of events, and every event on its way to each of them. What is due lives here, so it survives restarts.

CREATE TABLE webhooks (
  name         slug PRIMARY KEY,
  url          text NOT NULL,
  types        text[] NOT NULL,               -- empty: every type
  enabled      boolean NOT NULL,
  disabled_why text,
  secret       text NOT NULL CHECK (secret LIKE 'whsec\_%'),  -- signing needs it as it is
  created_at   timestamptz NOT NULL DEFAULT now()
);

-- `number` is the order: a node writes its events down in theirs, and one call's events are all of one node.
CREATE TABLE webhook_deliveries (
  number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  webhook    slug NOT NULL REFERENCES webhooks (name) ON DELETE CASCADE,
  node       text NOT NULL,
  event_id   text NOT NULL,
  type       text NOT NULL,
  call_id    text NOT NULL,
  body       bytea NOT NULL,
  state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
  tries      integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  due_at     timestamptz NOT NULL DEFAULT now(),
  tried_at   timestamptz,
  status     integer,
  error      text,
  took_s     double precision,
  UNIQUE (webhook, event_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (node, webhook, due_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook, call_id, number) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_log ON webhook_deliveries (webhook, number);
CREATE INDEX webhook_deliveries_done ON webhook_deliveries (created_at) WHERE state <> 'waiting';

-- Up to which number each journal's events were written down as deliveries.
CREATE TABLE webhook_positions (
  journal_id text PRIMARY KEY,
  seq        bigint NOT NULL CHECK (seq >= 0)
);
