-- What of a queue wasn't acknowledged at a time, to go back to it.
CREATE TABLE queue_snapshot (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    queue BIGINT NOT NULL,
    labels BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE TABLE queue_snapshot_message (
    snapshot BIGINT NOT NULL,
    -- As the sender knows it, since every queue of a topic has its own copy.
    message TEXT NOT NULL,
    PRIMARY KEY (snapshot, message)
) /* clustered */;
