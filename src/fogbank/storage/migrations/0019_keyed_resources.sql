-- Resources that are reached under an address of their own, by callers who have one of their keys.
CREATE TABLE keyed_resource (
    address TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL
) /* clustered */;
CREATE UNIQUE INDEX keyed_resource_name ON keyed_resource (kind, scope, name);
