-- Keys that users get besides their first one: each login makes one. Times are epoch seconds.
-- depends: 0001.initial

CREATE TABLE api_keys (
    id VARCHAR(26) PRIMARY KEY,
    registry VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    hash VARCHAR(64) NOT NULL UNIQUE,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    FOREIGN KEY (registry) REFERENCES users (registry) ON DELETE CASCADE
);

CREATE INDEX api_keys_registry ON api_keys (registry);
