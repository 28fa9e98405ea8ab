-- Private keys that the server signs with, by what for.
CREATE TABLE signing_key (
    name TEXT NOT NULL PRIMARY KEY,
    pem BYTEA NOT NULL,
    created_us BIGINT NOT NULL
) /* clustered */;
