DROP TABLE messages;
DROP TABLE contacts;
DROP TABLE chats;
ALTER TABLE sessions DROP COLUMN connected_at;
ALTER TABLE sessions DROP COLUMN me;
ALTER TABLE sessions DROP COLUMN state_until;
ALTER TABLE sessions DROP COLUMN reason;
ALTER TABLE sessions DROP COLUMN state;
