-- Endpoints, deliveries and attempts say more, and the log outlives what it tells of. The tables of 0004 were never
-- written to before this, so they are made anew.
-- depends: 0010.events

DROP TABLE attempts;
DROP TABLE deliveries;
DROP TABLE endpoints;

CREATE TABLE endpoints (
    id VARCHAR(26) PRIMARY KEY,
    registry VARCHAR(255) NOT NULL,
    session VARCHAR(26) NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secrets TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    reason TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    FOREIGN KEY (registry) REFERENCES users (registry) ON DELETE CASCADE,
    FOREIGN KEY (session) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE INDEX endpoints_registry ON endpoints (registry);
CREATE INDEX endpoints_session ON endpoints (session);

CREATE TABLE deliveries (
    id VARCHAR(26) PRIMARY KEY,
    event_id VARCHAR(64) NOT NULL,
    endpoint VARCHAR(26) NOT NULL,
    session VARCHAR(26) NOT NULL,
    registry VARCHAR(255) NOT NULL,
    event VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    tries INTEGER NOT NULL,
    next_attempt_at DOUBLE PRECISION NULL,
    status_code INTEGER NULL,
    error TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX deliveries_registry ON deliveries (registry, id);
CREATE INDEX deliveries_session ON deliveries (session);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint, state, id);
CREATE INDEX deliveries_due ON deliveries (state, next_attempt_at);
CREATE INDEX deliveries_age ON deliveries (created_at);

CREATE TABLE attempts (
    delivery VARCHAR(26) NOT NULL,
    number INTEGER NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    url TEXT NOT NULL,
    status_code INTEGER NULL,
    latency_ms INTEGER NOT NULL,
    excerpt TEXT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (delivery, number),
    FOREIGN KEY (delivery) REFERENCES deliveries (id) ON DELETE CASCADE
);
