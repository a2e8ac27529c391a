ALTER TABLE sessions ADD COLUMN webhook_url TEXT NULL;
ALTER TABLE sessions ADD COLUMN webhook_secret VARCHAR(255) NULL;
