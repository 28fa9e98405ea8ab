-- Buckets of tokens, by the time at which each is full again; one that is full needs no row.
CREATE TABLE bucket (
    name TEXT PRIMARY KEY,
    full_us BIGINT NOT NULL
);
CREATE INDEX bucket_full ON bucket (full_us);
