-- All events, as the public Redis stream had them (actors/event_log.py), and how far streams have been written down.
-- An id is that of an entry of the stream, as one integer: epoch milliseconds << 20 | number within the millisecond.
-- depends: 0009.calls

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    event_id VARCHAR(64) NOT NULL,
    session VARCHAR(64) NOT NULL,
    registry VARCHAR(255) NOT NULL,
    event VARCHAR(64) NOT NULL,
    ts_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX events_event ON events (event_id);
CREATE INDEX events_registry ON events (registry, id);
CREATE INDEX events_session ON events (registry, session, id);

CREATE TABLE stream_cursors (
    stream VARCHAR(64) PRIMARY KEY,
    id BIGINT NOT NULL
);

INSERT INTO stream_cursors VALUES ('warest:events', 0);
