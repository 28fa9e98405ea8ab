-- Principals by name, what they are granted, and the sessions that act for them. Nothing here is evaluated.
CREATE TABLE principal (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE UNIQUE INDEX principal_id ON principal (id);
-- Names keep their case and are found in any.
CREATE UNIQUE INDEX principal_name ON principal (scope, lower(name));
-- Policies that belong to one principal alone.
CREATE TABLE inline_policy (
    principal BIGINT NOT NULL,
    name TEXT NOT NULL,
    document BYTEA NOT NULL,
    PRIMARY KEY (principal, name)
);
-- Policies that stand for themselves, in numbered versions.
CREATE TABLE policy (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE UNIQUE INDEX policy_name ON policy (scope, lower(name));
CREATE TABLE policy_version (
    policy BIGINT NOT NULL,
    number BIGINT NOT NULL,
    document BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (policy, number)
);
-- Which policies principals have, by what the cloud calls the policy: it may be one of the cloud's own.
CREATE TABLE attachment (
    principal BIGINT NOT NULL,
    -- 0: it grants; 1: it bounds what the others grant.
    role BIGINT NOT NULL,
    policy TEXT NOT NULL,
    PRIMARY KEY (principal, role, policy)
) /* clustered */;
CREATE INDEX attachment_policy ON attachment (policy, role, principal);
CREATE TABLE session (
    access_key TEXT PRIMARY KEY,
    until_us BIGINT NOT NULL,
    content BYTEA NOT NULL
);
CREATE INDEX session_until ON session (until_us);
