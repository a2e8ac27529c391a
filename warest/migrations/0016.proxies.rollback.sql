ALTER TABLE sessions DROP COLUMN proxy;
