-- What is set for the text messages of a sender: attributes, numbers that want none, numbers that were verified.
CREATE TABLE mail_setting (
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (scope, kind, name)
) /* clustered */;
