-- How many versions of a function were ever published: their numbers are never used again.
ALTER TABLE function ADD COLUMN versions BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX function_id ON function (id);
-- Which version or alias of the function a trigger is for; empty for the function as it is.
ALTER TABLE function_trigger ADD COLUMN qualifier TEXT NOT NULL DEFAULT '';
-- Published versions: what the function was at its revision `source`, never changed.
CREATE TABLE function_version (
    function BIGINT NOT NULL,
    number BIGINT NOT NULL,
    id BIGINT NOT NULL,
    source BIGINT NOT NULL,
    config BYTEA NOT NULL,
    published_us BIGINT NOT NULL,
    PRIMARY KEY (function, number)
);
-- Names for versions, or for shares of several.
CREATE TABLE function_alias (
    function BIGINT NOT NULL,
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    config BYTEA NOT NULL,
    PRIMARY KEY (function, name)
) /* clustered */;
-- What is said of a function, a version or an alias, besides what its instances are made from.
CREATE TABLE function_fact (
    function BIGINT NOT NULL,
    kind TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    revision BIGINT NOT NULL,
    value BYTEA NOT NULL,
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (function, kind, qualifier)
);
-- Addresses at which functions answer HTTP.
CREATE TABLE function_url (
    id TEXT PRIMARY KEY,
    function BIGINT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX function_url_of ON function_url (function, qualifier);
-- Archives that functions share, and how many versions of each there ever were.
CREATE TABLE layer (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    versions BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE TABLE layer_version (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name, number)
);
