-- Receivers stand in endpoints only.
-- depends: 0012.receivers

ALTER TABLE sessions DROP COLUMN webhook_url;
ALTER TABLE sessions DROP COLUMN webhook_secret;
