-- Invocations that are over, the latest of them: what went in, what came out, what it took.
CREATE TABLE invocation (
    -- In the order in which they ended.
    number BIGINT PRIMARY KEY,
    -- What the function was told; one that is tried again has it each time.
    id TEXT NOT NULL,
    function TEXT NOT NULL,
    scope TEXT NOT NULL,
    -- 1 if it ended well.
    ok BIGINT NOT NULL,
    -- Of summary and content, in bytes.
    size BIGINT NOT NULL,
    summary BYTEA NOT NULL,
    content BYTEA NOT NULL
);
CREATE INDEX invocation_id ON invocation (id);
-- Has all that is needed to know what is too much.
CREATE INDEX invocation_function ON invocation (function, scope, number, size);
