-- The files of incoming messages, and what has become of each. Times are epoch seconds.
-- depends: 0004.deliveries

CREATE TABLE files (
    session VARCHAR(26) NOT NULL,
    chat VARCHAR(191) NOT NULL,
    message VARCHAR(191) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    mime_type VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    size BIGINT NOT NULL,
    source TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    reason TEXT NOT NULL,
    told VARCHAR(16) NOT NULL,
    storage_key TEXT NOT NULL,
    tries INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (session, chat, message),
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX files_message ON files (session, message);
