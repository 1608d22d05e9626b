-- Calls that a scenario led: how they ended, and every node their caller came by.
ALTER TABLE call_history DROP CONSTRAINT call_history_outcome;
ALTER TABLE call_history ADD CONSTRAINT call_history_outcome CHECK (outcome IN (
    'answered', 'agent_no_answer', 'agent_busy', 'agent_declined', 'agent_unreachable', 'agent_voicemail',
    'customer_busy', 'customer_no_answer', 'customer_invalid', 'customer_rejected', 'customer_cancelled',
    'congestion', 'trunk_down', 'abandoned', 'voicemail_left', 'callback_requested', 'closed', 'served', 'machine',
    'full', 'nobody_logged_in', 'nobody_accepted', 'timed_out', 'left_by_key', 'asterisk_lost', 'indeterminate'));
ALTER TABLE call_history ADD COLUMN ivr_visits jsonb CHECK (jsonb_typeof(ivr_visits) = 'array');

-- Where a scenario sends callers who want a person.
ALTER TABLE sites ADD COLUMN switchboard text CHECK (switchboard ~ '^[1-9][0-9]{1,5}$');
