-- Requests that were carried out and may be sent again: what they asked for, as a digest, and how long that is known.
CREATE TABLE document_request (
    scope TEXT NOT NULL,
    token TEXT NOT NULL,
    digest BYTEA NOT NULL,
    until_us BIGINT NOT NULL,
    PRIMARY KEY (scope, token)
) /* clustered */;
CREATE INDEX document_request_until ON document_request (until_us);
