-- Users that can be switched off; keys with scopes, sessions and addresses of their own, which need not expire.
-- depends: 0014.reactions

ALTER TABLE users ADD COLUMN is_active BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN last_login_at DOUBLE PRECISION NULL;

CREATE TABLE wider_keys (
    id VARCHAR(26) PRIMARY KEY,
    registry VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    hash VARCHAR(64) NOT NULL UNIQUE,
    kind VARCHAR(16) NOT NULL,
    hint VARCHAR(16) NOT NULL,
    scopes VARCHAR(255) NOT NULL,
    sessions TEXT NULL,
    addresses TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NULL,
    last_used_at DOUBLE PRECISION NULL,
    last_address VARCHAR(64) NOT NULL,
    FOREIGN KEY (registry) REFERENCES users (registry) ON DELETE CASCADE
);

INSERT INTO wider_keys
    SELECT id, registry, name, hash, 'login', '', 'read send manage admin', NULL, '', created_at, expires_at, NULL, ''
    FROM api_keys;

DROP TABLE api_keys;
ALTER TABLE wider_keys RENAME TO api_keys;
CREATE INDEX api_keys_registry ON api_keys (registry);
