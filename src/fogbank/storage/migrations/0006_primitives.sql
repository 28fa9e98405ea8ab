-- Change feeds: what happened, in order, for whoever follows.
CREATE TABLE feed (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
CREATE TABLE feed_entry (
    feed TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (feed, seq)
) /* clustered */;
-- Timers: what is to be done, and when.
CREATE TABLE timer (
    name TEXT PRIMARY KEY,
    due_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    payload BYTEA NOT NULL,
    failures BIGINT NOT NULL
);
CREATE INDEX timer_due ON timer (due_us);
-- Blobs by the hash of their content, in parts, and who uses them.
CREATE TABLE blob_part (
    digest BYTEA NOT NULL,
    part BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (digest, part)
);
CREATE TABLE blob_use (
    digest BYTEA NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (digest, holder)
) /* clustered */;
