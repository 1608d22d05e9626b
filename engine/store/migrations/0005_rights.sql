-- Which classes of numbers an agent may call, which costly ones a site opens, and when the site works. The names are
-- those of engine/domain/numbers.py's NumberClass. Denied by default: `international` is a right to be given.

ALTER TABLE sites
  ADD COLUMN dialable_classes text[] NOT NULL DEFAULT '{}'
    CHECK (dialable_classes <@ ARRAY['premium', 'satellite', 'personal', 'unknown']),
  ADD COLUMN open_hours text[] NOT NULL DEFAULT '{}';

ALTER TABLE agents
  ADD COLUMN rights text[] NOT NULL DEFAULT '{internal,local,mobile,toll_free}'
    CHECK (rights <@ ARRAY['internal', 'service', 'local', 'mobile', 'international', 'premium', 'shared_cost',
                           'toll_free', 'satellite', 'personal', 'unknown']);

ALTER TABLE sites ALTER COLUMN dialable_classes DROP DEFAULT, ALTER COLUMN open_hours DROP DEFAULT;
ALTER TABLE agents ALTER COLUMN rights DROP DEFAULT;
