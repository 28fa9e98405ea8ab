-- Work that was asked for and may be asked about: whole in `body`, in the cloud's own words.
CREATE TABLE long_operation (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
-- Places for functions' archives that somebody asked for, and what was put there.
CREATE TABLE function_upload (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    code BYTEA,
    PRIMARY KEY (scope, name)
) /* clustered */;
