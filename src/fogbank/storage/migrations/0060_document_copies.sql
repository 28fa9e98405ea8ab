-- Snapshots of collections: what they were like, and their documents, which stand under the snapshot's number.
CREATE TABLE document_snapshot (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    collection TEXT NOT NULL,
    number BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    -- When it goes away by itself, 0 for never.
    expires_us BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, id)
) /* clustered */;
-- Documents that are being copied from under one number to another: into a collection, or into a snapshot.
CREATE TABLE document_copy (
    target BIGINT PRIMARY KEY,
    source BIGINT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The collection whose journal says what has changed since the time that is copied, from which of its entries on;
    -- none for what doesn't change.
    source_name TEXT NOT NULL,
    journal TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    -- How far it has come: the last key that was copied, then the journal's entry that is to be undone next.
    after_partition BYTEA NOT NULL,
    after_sort BYTEA NOT NULL,
    undo_seq BIGINT NOT NULL
);
CREATE INDEX document_copy_source ON document_copy (source);
