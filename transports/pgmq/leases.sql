-- Whose each queue of the direct backend is, and until when.

CREATE SCHEMA IF NOT EXISTS callboard;

CREATE TABLE IF NOT EXISTS callboard.queues (
    queue text PRIMARY KEY,
    channel text NOT NULL,
    node text NOT NULL,
    owner text NOT NULL,            -- the life of the node
    token text NOT NULL,            -- the name that the node is notified by
    expires timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS queues_by_channel ON callboard.queues (channel);
