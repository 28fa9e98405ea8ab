-- What messages must look like: revisions of schemas, the newest of which has the highest number.
CREATE TABLE message_schema (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    revision TEXT NOT NULL,
    kind TEXT NOT NULL,
    definition TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name, number)
);
