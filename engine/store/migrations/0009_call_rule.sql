-- Which limit the engine ended a call by.
ALTER TABLE call_history ADD COLUMN rule text;
