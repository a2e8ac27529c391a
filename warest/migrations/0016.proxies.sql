-- The proxy of a session's own; empty: one of the pool, `direct`: none. It may hold a password, so it is encrypted.
-- depends: 0015.accounts

ALTER TABLE sessions ADD COLUMN proxy VARCHAR(2000) NOT NULL DEFAULT '';
