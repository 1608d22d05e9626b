-- Account trunks, which sign in to us, and what a Yeastar lets one choose for each trunk.

ALTER TABLE trunks DROP CONSTRAINT trunks_kind_check;
ALTER TABLE trunks
  ADD CONSTRAINT trunks_kind_check CHECK (kind IN ('peer', 'register', 'account')),
  ADD COLUMN allow_external boolean NOT NULL DEFAULT true,
  ADD COLUMN receive boolean NOT NULL DEFAULT true,
  ADD COLUMN media_encryption text NOT NULL DEFAULT 'none' CHECK (media_encryption IN ('none', 'sdes')),
  ADD COLUMN dtmf text NOT NULL DEFAULT 'rfc4733' CHECK (dtmf IN ('rfc4733', 'info', 'inband')),
  ADD COLUMN from_user text,
  ADD COLUMN from_domain text,
  ADD COLUMN withhold boolean NOT NULL DEFAULT false,
  ADD COLUMN pai boolean NOT NULL DEFAULT true,
  ADD COLUMN dial_strip integer NOT NULL DEFAULT 0 CHECK (dial_strip BETWEEN 0 AND 5),
  ADD COLUMN did_strip integer NOT NULL DEFAULT 0 CHECK (did_strip BETWEEN 0 AND 12),
  ADD COLUMN did_prefix text NOT NULL DEFAULT '' CHECK (did_prefix ~ '^([+]?[0-9]{1,12})?$'),
  ADD COLUMN rtp_timeout_s integer NOT NULL DEFAULT 120 CHECK (rtp_timeout_s >= 0),
  ADD COLUMN rtp_timeout_hold_s integer NOT NULL DEFAULT 1800 CHECK (rtp_timeout_hold_s >= 0),
  ADD COLUMN session_timers text NOT NULL DEFAULT 'yes' CHECK (session_timers IN ('no', 'yes', 'required', 'always')),
  ADD COLUMN session_expires_s integer NOT NULL DEFAULT 1800 CHECK (session_expires_s >= 90);
