DROP TABLE stream_cursors;
DROP TABLE events;
