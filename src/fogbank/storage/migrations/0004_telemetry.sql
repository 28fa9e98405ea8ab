-- Logs: groups by name, the streams in them, and the entries of those.
CREATE TABLE log_group (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE UNIQUE INDEX log_group_id ON log_group (id);
CREATE TABLE log_stream (
    log_group BIGINT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    -- The latest entry's time, and when the last one came in; 0 while there was none.
    last_us BIGINT NOT NULL,
    ingested_us BIGINT NOT NULL,
    -- Of its entries' contents, in bytes.
    size BIGINT NOT NULL,
    PRIMARY KEY (log_group, name)
) /* clustered */;
CREATE UNIQUE INDEX log_stream_id ON log_stream (id);
-- In the order in which a whole group is read, and expires; one stream's are found by the index.
CREATE TABLE log_entry (
    log_group BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    id BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    ingested_us BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (log_group, at_us, id)
) /* clustered */;
CREATE INDEX log_entry_stream ON log_entry (stream, at_us, id);
-- Groups (stream 0) and streams that are deleted by name, to be emptied in the background.
CREATE TABLE discarded_log (
    log_group BIGINT NOT NULL,
    stream BIGINT NOT NULL,
    PRIMARY KEY (log_group, stream)
) /* clustered */;
