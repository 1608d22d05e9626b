-- Messages callers left: the columns are the fields of engine/domain/voicemails.py's Voicemail. The sound is a file of the
-- node that took the message, named after the id.

CREATE TABLE voicemails (
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  id         uuid PRIMARY KEY,  -- of the call's question: asked twice it is one message
  mailbox    slug NOT NULL,
  call_id    uuid NOT NULL,
  caller     text,
  scenario   text,
  at         timestamptz NOT NULL,
  seconds    double precision NOT NULL CHECK (seconds >= 0),
  node       text NOT NULL,
  heard      boolean NOT NULL,
  deleted_at timestamptz
);
CREATE INDEX voicemails_of_mailbox ON voicemails (mailbox, seq) WHERE deleted_at IS NULL;
CREATE INDEX voicemails_over ON voicemails (node, at);
