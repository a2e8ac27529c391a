-- Whether a session rejects calls by itself, and what it then writes to the caller.
-- depends: 0008.groups

ALTER TABLE sessions ADD COLUMN reject_calls BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN call_reply VARCHAR(1000) NOT NULL DEFAULT '';
