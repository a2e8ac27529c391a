DROP TABLE group_members;
DROP TABLE chat_groups;
ALTER TABLE sessions DROP COLUMN groups_at;
