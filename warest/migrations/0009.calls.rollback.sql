ALTER TABLE sessions DROP COLUMN call_reply;
ALTER TABLE sessions DROP COLUMN reject_calls;
