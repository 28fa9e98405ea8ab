-- Collections of documents by name, and the documents in them.
CREATE TABLE collection (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
-- A rowid table with an index beside it: at 1 KB a document a clustered one costs SQLite nearly twice as much to put.
CREATE TABLE document (
    id BIGINT PRIMARY KEY,
    collection BIGINT NOT NULL,
    -- Two bytes of a hash of the partition key, then the key: scans go in the order of the hash.
    partition BYTEA NOT NULL,
    sort BYTEA NOT NULL,
    -- What the document counts against its cloud's limits, in bytes.
    size BIGINT NOT NULL,
    body BYTEA NOT NULL
);
CREATE UNIQUE INDEX document_key ON document (collection, partition, sort);
