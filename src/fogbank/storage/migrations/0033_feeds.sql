-- Change feeds of collections: whose they are, what they tell of, and since when nothing is told any more.
CREATE TABLE collection_feed (
    scope TEXT NOT NULL,
    collection TEXT NOT NULL,
    -- Tells the feeds of one collection apart: no two begin in the same millisecond.
    opened_ms BIGINT NOT NULL,
    feed TEXT NOT NULL UNIQUE,
    config BYTEA NOT NULL,
    closed_us BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, collection, opened_ms)
) /* clustered */;
-- How far followers of feeds have come. A follower may have several lanes, each with a place of its own.
CREATE TABLE feed_place (
    follower TEXT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    -- What it has to remember about what comes next.
    note BYTEA NOT NULL,
    -- Who goes on from here, and until when nobody else may.
    token BIGINT NOT NULL DEFAULT 0,
    until_us BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (follower, lane)
) /* clustered */;
