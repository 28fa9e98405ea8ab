-- Buckets of tokens: what was missing from each at a time, in half tokens times a million, and when it is full again.
-- One that is full needs no row.
CREATE TABLE bucket (
    name TEXT PRIMARY KEY,
    missing BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    full_us BIGINT NOT NULL
);
CREATE INDEX bucket_full ON bucket (full_us);
