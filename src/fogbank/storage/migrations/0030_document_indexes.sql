-- When a document goes away by itself, 0 for never.
ALTER TABLE document ADD COLUMN expires_us BIGINT NOT NULL DEFAULT 0;
-- In collections that number their versions: when the document was last written and when created, by the collection's
-- own count of microseconds, which never stands still.
ALTER TABLE document ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE document ADD COLUMN created BIGINT NOT NULL DEFAULT 0;
CREATE INDEX document_expires ON document (expires_us) WHERE expires_us > 0;
CREATE INDEX document_version ON document (collection, version) WHERE version > 0;
CREATE TABLE collection_version (
    collection BIGINT PRIMARY KEY,
    latest BIGINT NOT NULL
);
-- Secondary indexes by their numbers: an entry for each document that has the index's fields. Documents of one index
-- key stand in the order of their own.
CREATE TABLE index_entry (
    index_number BIGINT NOT NULL,
    partition BYTEA NOT NULL,
    sort BYTEA NOT NULL,
    document_partition BYTEA NOT NULL,
    document_sort BYTEA NOT NULL,
    PRIMARY KEY (index_number, partition, sort, document_partition, document_sort)
) /* clustered */;
