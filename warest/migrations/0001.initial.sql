-- Users and sessions. Types are those that SQLite, PostgreSQL and MySQL/MariaDB all know; times are epoch seconds.
-- depends:

CREATE TABLE users (
    id VARCHAR(26) PRIMARY KEY,
    registry VARCHAR(255) NOT NULL UNIQUE,
    username VARCHAR(255) NOT NULL UNIQUE,
    password VARCHAR(255) NOT NULL,
    api_key VARCHAR(64) NOT NULL UNIQUE,
    is_admin BOOLEAN NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE sessions (
    id VARCHAR(26) PRIMARY KEY,
    name VARCHAR(64) NOT NULL UNIQUE,
    registry VARCHAR(255) NOT NULL,
    auto_start BOOLEAN NOT NULL,
    webhook_url TEXT NOT NULL,
    webhook_secret VARCHAR(255) NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    FOREIGN KEY (registry) REFERENCES users (registry) ON DELETE CASCADE
);

CREATE INDEX sessions_registry ON sessions (registry);
