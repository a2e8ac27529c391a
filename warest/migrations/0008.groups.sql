-- Groups and who is in them, as WhatsApp and its events tell. Times named _at in the first block are whole epoch
-- seconds, as WhatsApp gives them, 0 for none; asked_at, members_at and groups_at (when WhatsApp was asked last) and
-- settles_at (until when events may be older than that) are epoch seconds.
-- depends: 0007.newest

ALTER TABLE sessions ADD COLUMN groups_at DOUBLE PRECISION NULL;

CREATE TABLE chat_groups (
    session VARCHAR(26) NOT NULL,
    jid VARCHAR(191) NOT NULL,
    name VARCHAR(255) NOT NULL,
    named_at BIGINT NOT NULL,
    named_by VARCHAR(191) NOT NULL,
    description TEXT NOT NULL,
    description_id VARCHAR(191) NOT NULL,
    described_at BIGINT NOT NULL,
    described_by VARCHAR(191) NOT NULL,
    owner VARCHAR(191) NOT NULL,
    created BIGINT NOT NULL,
    locked BOOLEAN NOT NULL,
    announcement BOOLEAN NOT NULL,
    ephemeral INTEGER NOT NULL,
    is_community BOOLEAN NOT NULL,
    is_community_announce BOOLEAN NOT NULL,
    parent VARCHAR(191) NOT NULL,
    by_lid BOOLEAN NOT NULL,
    size INTEGER NOT NULL,
    asked_at DOUBLE PRECISION NOT NULL,
    members_at DOUBLE PRECISION NOT NULL,
    settles_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (session, jid),
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE TABLE group_members (
    session VARCHAR(26) NOT NULL,
    chat VARCHAR(191) NOT NULL,
    jid VARCHAR(191) NOT NULL,
    pn VARCHAR(191) NOT NULL,
    lid VARCHAR(191) NOT NULL,
    role VARCHAR(16) NOT NULL,
    PRIMARY KEY (session, chat, jid),
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);
