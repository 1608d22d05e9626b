-- One row per call, and what belongs to it. The columns are the fields of engine/domain/cdr.py's CallRecord.

CREATE TABLE call_history (
  call_id              uuid PRIMARY KEY,
  revision             integer NOT NULL CHECK (revision >= 0),
  direction            text NOT NULL CHECK (direction IN ('outbound', 'inbound', 'internal')),
  kind                 text NOT NULL,
  agent_id             text,
  agent_name           text,
  agent_mode           text CHECK (agent_mode IN ('sip', 'mobile')),
  agent_number         text,
  site                 text,
  trunk                text,
  campaign_id          text,
  contact_id           text,
  caller               text,
  callee               text,
  callee_dialled       text,
  did                  text,
  scenario             text,
  scenario_version     text,
  redirected_from      text,
  service              text,
  group_id             text,
  handled_by           text NOT NULL CHECK (handled_by IN ('engine', 'understudy')),
  requested_at         timestamptz NOT NULL,
  agent_ringing_at     timestamptz,
  agent_answered_at    timestamptz,
  customer_dialled_at  timestamptz,
  customer_ringing_at  timestamptz,
  customer_answered_at timestamptz,
  bridged_at           timestamptz,
  ended_at             timestamptz NOT NULL,
  -- Seconds, rounded to the millisecond.
  ring_s               double precision CHECK (ring_s >= 0),
  wait_s               double precision CHECK (wait_s >= 0),
  talk_s               double precision NOT NULL CHECK (talk_s >= 0),
  hold_s               double precision NOT NULL CHECK (hold_s >= 0),
  wrap_s               double precision NOT NULL CHECK (wrap_s >= 0),
  billable_s           double precision NOT NULL CHECK (billable_s >= 0),
  outcome              text NOT NULL CONSTRAINT call_history_outcome CHECK (outcome IN (
    'answered', 'agent_no_answer', 'agent_busy', 'agent_declined', 'agent_unreachable', 'agent_voicemail',
    'customer_busy', 'customer_no_answer', 'customer_invalid', 'customer_rejected', 'customer_cancelled',
    'congestion', 'trunk_down', 'abandoned', 'voicemail_left', 'callback_requested', 'closed', 'machine', 'full',
    'nobody_logged_in', 'nobody_accepted', 'timed_out', 'left_by_key', 'asterisk_lost', 'indeterminate')),
  hangup_by            text NOT NULL CONSTRAINT call_history_hangup_by
                       CHECK (hangup_by IN ('agent', 'customer', 'engine', 'api', 'network')),
  cause                integer CHECK (cause BETWEEN 0 AND 127),
  cause_text           text,
  sip_code             integer CHECK (sip_code BETWEEN 100 AND 699),
  disposition          text,
  disposition_note     text,
  disposition_fields   jsonb,
  recordings           text[] NOT NULL,
  transferred_to       text,
  ivr_path             text[],
  variables            jsonb NOT NULL CHECK (jsonb_typeof(variables) = 'object'),
  legs                 jsonb NOT NULL CHECK (jsonb_typeof(legs) = 'array'),
  recovered            boolean NOT NULL,
  events_missed        boolean NOT NULL,
  engine_node          text NOT NULL,
  -- Not part of the record: when the disposition in this row was given, if it came by itself.
  disposition_at       timestamptz,
  -- The record's own bytes, only when something in it cannot be a column's value (U+0000, for one).
  original             bytea
);

CREATE INDEX call_history_requested ON call_history (requested_at, call_id);
CREATE INDEX call_history_agent     ON call_history (agent_id, requested_at, call_id);
CREATE INDEX call_history_campaign  ON call_history (campaign_id, requested_at, call_id);
CREATE INDEX call_history_direction ON call_history (direction, requested_at, call_id);
CREATE INDEX call_history_outcome   ON call_history (outcome, requested_at, call_id);
CREATE INDEX call_history_caller    ON call_history (caller);
CREATE INDEX call_history_callee    ON call_history (callee);
CREATE INDEX call_history_dialled   ON call_history (callee_dialled);
CREATE INDEX call_history_did       ON call_history (did);

-- Every qualification ever given. One that arrives before its call's row waits here for it.
CREATE TABLE dispositions (
  call_id uuid NOT NULL,
  at      timestamptz NOT NULL,
  code    text NOT NULL,
  note    text,
  fields  jsonb,
  PRIMARY KEY (call_id, at)
);

-- A finished call's journal, for replay after the node has pruned its own: one JSON array, in order.
CREATE TABLE call_steps (
  call_id uuid PRIMARY KEY,
  steps   bytea NOT NULL,
  count   integer NOT NULL CHECK (count > 0),
  stored_at timestamptz NOT NULL DEFAULT now()
);

-- Requests that were refused, and changes that were made. (journal_id, seq) makes redelivery harmless.
CREATE TABLE audit (
  journal_id text NOT NULL,
  seq        bigint NOT NULL,
  at         timestamptz NOT NULL,
  actor      text NOT NULL,
  action     text NOT NULL,
  rule       text,
  message    text NOT NULL,
  request    jsonb,
  PRIMARY KEY (journal_id, seq)
);
CREATE INDEX audit_at    ON audit (at, journal_id, seq);
CREATE INDEX audit_actor ON audit (actor, at);

-- What could not be stored as what it should be: never lost, and never in the way of the others.
CREATE TABLE dead_letter (
  journal_id text NOT NULL,
  seq        bigint NOT NULL,
  kind       text NOT NULL,
  call_id    text,
  payload    bytea NOT NULL,
  error      text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (journal_id, seq)
);
