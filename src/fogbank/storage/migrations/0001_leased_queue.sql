-- The leased queue: messages wait in turn, are leased, and are acknowledged or come back.
CREATE TABLE message (
    id BIGINT PRIMARY KEY,
    queue BIGINT NOT NULL,
    -- The ordering key; empty in queues without order.
    lane BYTEA NOT NULL,
    -- Unordered queues: visible_us, so that the index gives the turn. Ordered queues: 0, so that a lane keeps the order of ids.
    rank BIGINT NOT NULL,
    visible_us BIGINT NOT NULL,
    sent_us BIGINT NOT NULL,
    first_us BIGINT,
    receives BIGINT NOT NULL,
    -- Names the current lease; 0 when the message was never leased or was released.
    lease BIGINT NOT NULL,
    -- What the queue calls itself that dead-lettered the message; 0 when none did.
    origin BIGINT NOT NULL,
    -- Empty when the body stands in message_body.
    body BYTEA NOT NULL
);
CREATE INDEX message_turn ON message (queue, lane, rank, id);
CREATE TABLE message_body (
    id BIGINT PRIMARY KEY,
    body BYTEA NOT NULL
);
-- Ordered queues only: a lane that holds messages, and when its next one may be leased.
CREATE TABLE lane (
    queue BIGINT NOT NULL,
    lane BYTEA NOT NULL,
    next_us BIGINT NOT NULL,
    -- The highest id that the present holder has leased; 0 when nobody holds the lane.
    leased_id BIGINT NOT NULL,
    PRIMARY KEY (queue, lane)
) /* clustered */;
CREATE INDEX lane_turn ON lane (queue, next_us);
-- What was sent within a deduplication window, and what its sender was told.
CREATE TABLE dedup (
    queue BIGINT NOT NULL,
    key BYTEA NOT NULL,
    until_us BIGINT NOT NULL,
    receipt BYTEA NOT NULL,
    PRIMARY KEY (queue, key)
) /* clustered */;
CREATE INDEX dedup_until ON dedup (until_us);
