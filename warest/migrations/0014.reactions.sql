-- What has become of the actions that the answers of webhook receivers asked for. Times are epoch seconds.
-- depends: 0013.sessions

CREATE TABLE reactions (
    delivery VARCHAR(26) NOT NULL,
    position VARCHAR(191) NOT NULL,
    session VARCHAR(26) NOT NULL,
    action VARCHAR(32) NOT NULL,
    state VARCHAR(16) NOT NULL,
    message VARCHAR(191) NOT NULL,
    job VARCHAR(64) NOT NULL,
    error TEXT NOT NULL,
    repeatable BOOLEAN NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (delivery, position)
);

CREATE INDEX reactions_session ON reactions (session);
CREATE INDEX reactions_age ON reactions (at);
