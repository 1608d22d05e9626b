-- Requests to be called back: the columns are the fields of engine/domain/callbacks.py's Callback, in the order they came.

CREATE TABLE callbacks (
  seq        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  id         uuid PRIMARY KEY,  -- of the call's question: asked twice it is one request
  call_id    uuid NOT NULL,
  queue      slug NOT NULL,
  number     text NOT NULL,
  caller     text,
  scenario   text,
  site       slug NOT NULL,
  language   text NOT NULL,
  at         timestamptz NOT NULL,
  status     text NOT NULL CHECK (status IN ('waiting', 'done', 'cancelled')),
  changed_by text,
  changed_at timestamptz
);
CREATE INDEX callbacks_to_do ON callbacks (status, queue, seq);
