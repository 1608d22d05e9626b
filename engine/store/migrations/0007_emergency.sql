-- Emergency numbers a site has besides those of its country, and what people there dial for an outside line.

ALTER TABLE sites
  ADD COLUMN emergency_numbers text[] NOT NULL DEFAULT '{}',
  ADD COLUMN outside_prefix text NOT NULL DEFAULT '' CHECK (outside_prefix ~ '^[0-9]{0,3}$');

ALTER TABLE sites ALTER COLUMN emergency_numbers DROP DEFAULT, ALTER COLUMN outside_prefix DROP DEFAULT;
