-- Of collections that have peers: documents that are gone, and the version of that, for as long as an older write of
-- another peer may still arrive.
CREATE TABLE document_grave (
    collection BIGINT NOT NULL,
    partition BYTEA NOT NULL,
    sort BYTEA NOT NULL,
    version BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (collection, partition, sort)
) /* clustered */;
CREATE INDEX document_grave_at ON document_grave (at_us);
