-- Recordings of the whole house, which every scenario may say: the columns are the fields of engine/store/prompts.py's
-- Prompt, and the sound.

CREATE TABLE prompts (
  name       slug NOT NULL,
  language   text NOT NULL CHECK (language IN ('fr', 'en')),
  comment    text,
  seconds    double precision NOT NULL CHECK (seconds > 0),
  made_of    text NOT NULL,
  author     text NOT NULL,
  changed_at timestamptz NOT NULL,
  content    bytea NOT NULL,   -- WAV, 16 kHz: what is played is made of it
  PRIMARY KEY (name, language)
);
