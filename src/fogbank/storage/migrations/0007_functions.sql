CREATE TABLE function (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    -- Grows with each change of code or configuration; instances belong to one revision.
    revision BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
-- What makes a function run: a source of events, and how they are taken from it.
CREATE TABLE function_trigger (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    function TEXT NOT NULL,
    source TEXT NOT NULL,
    config BYTEA NOT NULL,
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (scope, id)
) /* clustered */;
