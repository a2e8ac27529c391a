-- How each session was last seen, and its chats, contacts and messages. Times named _ts are whole epoch seconds, as
-- WhatsApp gives them, 0 for none; the others epoch seconds.
-- depends: 0002.keys

ALTER TABLE sessions ADD COLUMN state VARCHAR(32) NOT NULL DEFAULT 'stopped';
ALTER TABLE sessions ADD COLUMN reason VARCHAR(255) NULL;
ALTER TABLE sessions ADD COLUMN state_until DOUBLE PRECISION NULL;
ALTER TABLE sessions ADD COLUMN me TEXT NULL;
ALTER TABLE sessions ADD COLUMN connected_at DOUBLE PRECISION NULL;

CREATE TABLE chats (
    session VARCHAR(26) NOT NULL,
    jid VARCHAR(191) NOT NULL,
    name VARCHAR(255) NOT NULL,
    is_group BOOLEAN NOT NULL,
    unread INTEGER NOT NULL,
    archived BOOLEAN NOT NULL,
    pinned BOOLEAN NOT NULL,
    muted_until BIGINT NOT NULL,
    last_message TEXT NOT NULL,
    last_message_ts BIGINT NOT NULL,
    ephemeral INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (session, jid),
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX chats_last_message ON chats (session, last_message_ts);

CREATE TABLE contacts (
    session VARCHAR(26) NOT NULL,
    jid VARCHAR(191) NOT NULL,
    pn VARCHAR(191) NOT NULL,
    lid VARCHAR(191) NOT NULL,
    name VARCHAR(255) NOT NULL,
    notify VARCHAR(255) NOT NULL,
    verified_name VARCHAR(255) NOT NULL,
    is_me BOOLEAN NOT NULL,
    is_my_contact BOOLEAN NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (session, jid),
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX contacts_pn ON contacts (session, pn);
CREATE INDEX contacts_lid ON contacts (session, lid);

CREATE TABLE messages (
    session VARCHAR(26) NOT NULL,
    chat VARCHAR(191) NOT NULL,
    id VARCHAR(191) NOT NULL,
    from_me BOOLEAN NOT NULL,
    sender VARCHAR(191) NOT NULL,
    recipient VARCHAR(191) NOT NULL,
    type VARCHAR(64) NOT NULL,
    is_media BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    ts BIGINT NOT NULL,
    raw TEXT NOT NULL,
    status VARCHAR(16) NOT NULL,
    starred BOOLEAN NOT NULL,
    deleted BOOLEAN NOT NULL,
    edited BOOLEAN NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (session, chat, id),
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX messages_ts ON messages (session, chat, ts);
CREATE INDEX messages_id ON messages (session, id);
