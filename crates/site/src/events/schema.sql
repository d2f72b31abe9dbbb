CREATE TABLE events (
    id TEXT PRIMARY KEY,
    product TEXT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_addr TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    context TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (product, at);
