-- Queues by name. `store` numbers the messages' place: purging gives the queue a new one.
CREATE TABLE queue (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    store BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    purged_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE UNIQUE INDEX queue_id ON queue (id);
-- Numbers that rows of any kind stand under and nobody has any more, to be emptied in the background.
CREATE TABLE discarded (
    store BIGINT PRIMARY KEY
);
