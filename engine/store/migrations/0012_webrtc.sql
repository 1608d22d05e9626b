-- Agents who may telephone in a browser.

ALTER TABLE agents ADD COLUMN webrtc boolean NOT NULL DEFAULT false;
