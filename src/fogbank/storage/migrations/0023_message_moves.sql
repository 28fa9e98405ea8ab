-- Moves of messages from one queue to another, or back to where they came from.
CREATE TABLE message_move (
    id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    -- The queues' names; an empty target is each message's own origin.
    source TEXT NOT NULL,
    target_scope TEXT NOT NULL,
    target TEXT NOT NULL,
    -- 0 for as fast as possible.
    per_second BIGINT NOT NULL,
    status TEXT NOT NULL,
    failure TEXT NOT NULL,
    to_move BIGINT NOT NULL,
    moved BIGINT NOT NULL,
    started_us BIGINT NOT NULL
) /* clustered */;
CREATE INDEX message_move_source ON message_move (scope, source, started_us);
