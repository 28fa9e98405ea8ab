-- What belongs to messaging and no policy reads (rules, archives, connections), in its service's own words.
CREATE TABLE messaging_record (
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    body BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (scope, kind, name)
) /* clustered */;
-- What the clock sends, and when.
CREATE TABLE schedule (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    config BYTEA NOT NULL,
    -- What became of the last occurrence, in the service's own words.
    progress BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
