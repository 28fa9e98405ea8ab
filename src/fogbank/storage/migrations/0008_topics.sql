CREATE TABLE topic (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    id BIGINT NOT NULL,
    config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) /* clustered */;
CREATE TABLE subscription (
    topic BIGINT NOT NULL,
    id TEXT NOT NULL,
    -- The scope and name of the topic, so that a subscription can be found by itself and listed by scope.
    scope TEXT NOT NULL,
    topic_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    config BYTEA NOT NULL,
    PRIMARY KEY (topic, id)
) /* clustered */;
CREATE UNIQUE INDEX subscription_id ON subscription (scope, id);
CREATE INDEX subscription_endpoint ON subscription (topic, kind, endpoint);
